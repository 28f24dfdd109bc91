import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FunctionInput } from '../../../src/api/function-control.ts'
import { startApiServer, type ApiServer } from '../api-server.ts'
import { sampleDefinition } from '../sample-views.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const call: ApiServer['call'] = (...args) => server.call(...args)
const lastCall = () => server.control.calls.at(-1)
const putFunction = (body: unknown, headers?: Record<string, string>) =>
  call('PUT', '/v1/functions/price', body, headers)
const detailOf = async (body: unknown) => (await putFunction(body)).body.detail

describe('putting a function', () => {
  it('fills in every default of the definition, nested ones too', async () => {
    const answer = await putFunction({ definition: { retry: { maxAttempts: 3 }, scaling: {} } })
    expect(answer.status).toBe(200)
    const [, name, input, precondition] = lastCall() as [string, string, FunctionInput, unknown]
    expect([name, precondition]).toEqual(['price', {}])
    expect(input).toEqual({
      definition: {
        ...sampleDefinition,
        labels: {},
        secrets: {},
        retry: { ...sampleDefinition.retry, maxAttempts: 3 },
      },
    })
  })

  it('gives each definition defaults of its own', async () => {
    await putFunction({ definition: {} })
    const first = (lastCall() as [string, string, FunctionInput])[2].definition
    await putFunction({ definition: {} })
    const second = (lastCall() as [string, string, FunctionInput])[2].definition
    expect(second).toEqual(first)
    expect(second.retry).not.toBe(first.retry)
    expect(second.labels).not.toBe(first.labels)
  })

  it('hands on the module as bytes of its text, files decoded, and what shall be published', async () => {
    const files = { 'data/table.bin': Buffer.from([0, 255, 16]).toString('base64') }
    await putFunction({
      definition: {},
      code: { module: 'export default 1 // é', sourceMap: '{"version":3}', files },
      publish: { description: 'First' },
      expiresAfterMs: 60_000,
    })
    const { code, publish, expiresAfterMs } = (lastCall() as [string, string, FunctionInput])[2]
    expect([...code!].map(([name, bytes]) => [name, Buffer.from(bytes)])).toEqual([
      ['index.mjs', Buffer.from('export default 1 // é')],
      ['index.mjs.map', Buffer.from('{"version":3}')],
      ['data/table.bin', Buffer.from([0, 255, 16])],
    ])
    expect([publish, expiresAfterMs]).toEqual([{ description: 'First', labels: {} }, 60_000])
  })

  it('takes code far larger than other bodies', async () => {
    const module = `export default 1 /*${'x'.repeat(3 * 1024 * 1024)}*/`
    expect((await putFunction({ definition: {}, code: { module } })).status).toBe(200)
  })

  it('answers 201 for a new one, with its revision as entity tag', async () => {
    const created = await call('PUT', '/v1/functions/fresh', { definition: {}, code: { module: 'x' } })
    expect([created.status, created.headers.get('etag'), created.body.revision]).toEqual([201, '"8"', 8])
  })

  it.each([
    [{ 'if-match': '"7"' }, 200, { revision: 7 }],
    [{ 'if-match': '"6"' }, 412, { revision: 6 }],
    [{ 'if-match': '*' }, 200, { revision: 'any' }],
    [{ 'if-none-match': '*' }, 412, { absent: true }],
  ])('hands on the precondition of %o', async (headers, status, precondition) => {
    expect((await putFunction({ definition: {} }, headers)).status).toBe(status)
    expect(lastCall()?.[3]).toEqual(precondition)
  })

  it.each([
    { 'if-match': '7' },
    { 'if-match': 'W/"7"' },
    { 'if-match': '"7", "8"' },
    { 'if-match': '' },
    { 'if-none-match': '"7"' },
    { 'if-match': '*', 'if-none-match': '*' },
  ])('refuses %o, which no answer can have given', async headers => {
    const answer = await putFunction({ definition: {} }, headers)
    expect([answer.status, answer.body.code]).toEqual([400, 'SLUICE_API_INVALID_REQUEST'])
    expect(answer.body.detail).toContain('if-')
  })

  it.each([
    [{}, 'definition is missing'],
    [{ definition: {}, role: {} }, "body has the unknown field 'role'"],
    [{ definition: { timeoutMS: 1 } }, "definition has the unknown field 'timeoutMS'; did you mean 'timeoutMs'?"],
    [{ definition: { timeoutMs: 5 } }, 'definition.timeoutMs must be an integer from 10 to 3600000, not 5'],
    [{ definition: { timeoutMs: '50' } }, 'definition.timeoutMs must be an integer from 10 to 3600000'],
    [{ definition: { timeoutMs: null } }, 'definition.timeoutMs must be an integer from 10 to 3600000'],
    [{ definition: { retry: { jitter: 2 } } }, 'definition.retry.jitter must be a number from 0 to 1, not 2'],
    [{ definition: { role: { sinks: ['a', 'a'] } } }, 'definition.role.sinks has the same item twice'],
    [{ definition: { role: { sinks: ['A'] } } }, 'definition.role.sinks[0] must match ^[a-z0-9][a-z0-9-]{0,62}$'],
    [{ definition: [] }, 'definition must be a map'],
    [{ definition: { labels: { 'a b': 'x' } } }, "definition.labels has the name 'a b', which must match ^[A-Za-z0-9]"],
    [{ definition: { environment: { '1A': 'x' } } }, "definition.environment has the name '1A', which must match ^"],
    [{ definition: {}, code: { module: '' } }, 'code.module must not be empty'],
    [{ definition: {}, expiresAfterMs: 1 }, 'expiresAfterMs must be an integer from 1000 to 86400000, not 1'],
  ])('says of %j that %s', async (body, detail) => {
    expect(await detailOf(body)).toContain(detail)
    expect(server.control.calls).toEqual([])
  })

  it('names every mistake at once', async () => {
    const answer = await putFunction({ definition: { handler: 5, timeoutMs: 5 }, foo: 1 })
    expect(answer.body.problems).toEqual([
      "body has the unknown field 'foo'",
      'definition.handler must be a text, not 5',
      'definition.timeoutMs must be an integer from 10 to 3600000, not 5',
    ])
  })

  it('names at most ten mistakes and counts the rest', async () => {
    const labels = Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`l${index}`, index]))
    const answer = await putFunction({ definition: { labels } })
    expect(answer.body.problems).toHaveLength(10)
    expect(answer.body.detail).toMatch(/; and 20 more$/)
  })

  it.each([
    [{ 'a.bin': 'e30' }, 'code.files."a.bin" is not base64'],
    [{ 'a.bin': 'e30=\n' }, 'code.files."a.bin" is not base64'],
    [{ 'a.bin': 'e31=' }, 'code.files."a.bin" is not base64'],
    [{ 'a.bin': '_-8=' }, 'code.files."a.bin" is not base64'],
    [{ 'index.mjs': 'e30=' }, 'code.files."index.mjs" is the name of the module'],
    [{ 'index.mjs.map': 'e30=' }, 'code.files."index.mjs.map" is the name of the source map'],
    [{ 'a b': 'e30=' }, "code.files has the name 'a b', which must match"],
  ])('refuses the files %j: %s', async (files, detail) => {
    expect(await detailOf({ definition: {}, code: { module: 'x', files } })).toContain(detail)
  })
})

describe('functions', () => {
  it('are listed by labels, in pages', async () => {
    const query = 'label=team=billing&label=tier=a=b&limit=5&after=echo'
    expect((await call('GET', `/v1/functions?${query}`)).status).toBe(200)
    expect(lastCall()).toEqual([
      'functions',
      {
        labels: [
          { name: 'team', value: 'billing' },
          { name: 'tier', value: 'a=b' },
        ],
        limit: 5,
        after: 'echo',
      },
    ])
    await call('GET', '/v1/functions')
    expect(lastCall()).toEqual(['functions', { labels: [], limit: 100 }])
  })

  it.each([
    ['label=team', 'query.label[0]'],
    ['limit=1e3', 'limit must be an integer from 1 to 1000'],
    ['limit=5&limit=6', 'limit must be an integer'],
    ['limit=', 'limit must be an integer'],
    ['lable=a=b', "query has the unknown field 'lable'; did you mean 'label'?"],
    ['__proto__=1', "query has the unknown field '__proto__'"],
    ['after=../x', 'after must match'],
  ])('are not listed by ?%s', async (query, detail) => {
    const answer = await call('GET', `/v1/functions?${query}`)
    expect(answer.status).toBe(400)
    expect(answer.body.detail).toContain(detail.replace('query.label', 'label'))
  })

  it('are deleted when nothing needs them, or by force', async () => {
    const refused = await call('DELETE', '/v1/functions/price')
    expect([refused.status, refused.body.code]).toEqual([409, 'SLUICE_REGISTRY_IN_USE'])
    const headers = { 'if-match': '"7"' }
    const deleted = await call('DELETE', '/v1/functions/price?force=true', undefined, headers)
    expect([deleted.status, deleted.body]).toEqual([200, { deleted: 'price' }])
    expect(lastCall()).toEqual(['deleteFunction', 'price', { force: true, precondition: { revision: 7 } }])
    expect((await call('DELETE', '/v1/functions/price?force=yes')).status).toBe(400)
  })

  it('are enabled and disabled', async () => {
    expect((await call('POST', '/v1/functions/price/disable')).body.enabled).toBe(false)
    const enabled = await call('POST', '/v1/functions/price/enable', undefined, { 'if-match': '"8"' })
    expect([enabled.body.enabled, enabled.headers.get('etag')]).toEqual([true, '"8"'])
    expect(lastCall()).toEqual(['enableFunction', 'price', true, { revision: 8 }])
  })

  it('show the code of latest or of a version', async () => {
    await call('GET', '/v1/functions/price/code')
    expect(lastCall()).toEqual(['functionCode', 'price', 'latest'])
    await call('GET', '/v1/functions/price/code?version=3')
    expect(lastCall()).toEqual(['functionCode', 'price', 3])
    expect((await call('GET', '/v1/functions/price/code?version=live')).status).toBe(400)
  })
})

describe('versions', () => {
  it('are published with or without a body', async () => {
    const published = await call('POST', '/v1/functions/price/versions')
    expect([published.status, published.body.version]).toEqual([201, 4])
    expect(lastCall()).toEqual(['publishVersion', 'price', { description: '', labels: {} }, {}])
  })

  it('say so when nothing is new', async () => {
    const same = await call('POST', '/v1/functions/price/versions', { description: 'same' })
    expect([same.status, same.body.version, same.body.unchanged]).toEqual([200, 3, true])
  })

  it('are read and deleted by number', async () => {
    expect((await call('GET', '/v1/functions/price/versions/3')).body.version).toBe(3)
    expect((await call('GET', '/v1/functions/price/versions/2')).status).toBe(404)
    const deleted = await call('DELETE', '/v1/functions/price/versions/1?force=true')
    expect(deleted.body).toEqual({ deleted: 'price@1' })
    expect(lastCall()).toEqual(['deleteVersion', 'price', 1, { force: true, precondition: {} }])
  })
})
