import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FunctionView } from '../../src/api/views/function-view.ts'
import { functionFile, type GatewayProcess } from './gateway-process.ts'
import { requestJson } from './request-json.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess

interface Problem {
  readonly code: string
  readonly detail: string
}

beforeAll(async () => {
  ;({ gateway } = await prepareWebhookGateway(ledger => ({
    streams: { ping: { partitions: 1 }, pong: { partitions: 1 } },
    sinks: { 'to-ping': { type: 'stream', stream: 'ping' }, 'to-pong': { type: 'stream', stream: 'pong' } },
    secrets: { token: 'secret-value-of-the-test' },
    functions: { declared: { file: functionFile('record.mjs'), environment: { LEDGER: ledger } } },
    triggers: { declared: { stream: 'hooks', function: 'declared' } },
  })))
  await gateway.start()
  await put('good', {})
})

afterAll(() => gateway.dispose())

const call = <View = Problem>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  requestJson<View>(gateway.url, method, path, body, headers)

async function put(name: string, definition: object, module = 'export default () => 1', more: object = {}) {
  return call<Problem & FunctionView>('PUT', `/v1/functions/${name}`, { definition, code: { module }, ...more })
}

async function expectRefused(
  answer: Promise<{ status: number; body: Problem }>,
  status: number,
  code: string,
  ...says: string[]
) {
  const { body, ...rest } = await answer
  expect([rest.status, body.code], JSON.stringify(body)).toEqual([status, code])
  for (const part of says) expect(body.detail).toContain(part)
}

describe('a name that cannot be', () => {
  it.each([
    ['__proto__', 400],
    ['%2e%2e', 404],
    ['a'.repeat(120), 400],
    ['a%00b', 400],
    ['Price', 400],
    ['a%2Fb', 400],
  ])('is refused: %s', async (name, status) => {
    const answer = await put(name, {})
    expect(answer.status, JSON.stringify(answer.body)).toBe(status)
    expect(answer.body.code).toMatch(/^SLUICE_API_/)
  })
})

describe('code that cannot run', () => {
  it.each<[string, string, string]>([
    ['does not parse', 'export default () => {', 'SyntaxError'],
    ['is CommonJS', 'module.exports = () => 1', 'esm'],
    ['imports a package that is not there', "import x from 'left-pad'\nexport default () => x", 'left-pad'],
    ['imports a file that is not there', "import x from './x.mjs'\nexport default () => x", 'x.mjs'],
    ['throws while it loads', "throw new Error('no luck'); export default () => 1", 'no luck'],
    ['exports no handler', 'export const other = () => 1', "'default'"],
    ['ends the process', 'process.exit(3); export default () => 1', 'exit'],
  ])('is refused when it %s, and the version before goes on', async (_what, module, says) => {
    await expectRefused(put('good', {}, module), 422, 'SLUICE_FUNCTIONS_LOAD', says)
    expect((await call('POST', '/v1/functions/good/invocations', {})).body).toBe(1)
  })

  it('is refused when it does not end while it loads, and nobody else waits', async () => {
    const refused = put('good', {}, 'for (;;); export default () => 1')
    expect((await call('POST', '/v1/functions/good/invocations', {})).body).toBe(1)
    await expectRefused(refused, 422, 'SLUICE_FUNCTIONS_LOAD', 'does not end')
  })

  it('is refused when a file of it has a name that leads elsewhere, or is no base64', async () => {
    const module = 'export default () => 1'
    const file = (name: string, text: string) => put('good', {}, module, { code: { module, files: { [name]: text } } })
    expect((await file('../evil.txt', 'AA==')).status).toBeGreaterThanOrEqual(400)
    expect((await file('/etc/passwd', 'AA==')).status).toBeGreaterThanOrEqual(400)
    expect((await file('data.bin', '***')).status).toBe(400)
  })

  it('is refused when it is missing, or when the definition has a field that there is not', async () => {
    await expectRefused(call('PUT', '/v1/functions/new', { definition: {} }), 422, 'SLUICE_REGISTRY_INVALID', 'code')
    await expectRefused(put('new', { timeoutMS: 5 }), 400, 'SLUICE_API_INVALID_REQUEST', 'timeoutMS')
    await expectRefused(put('new', { timeoutMs: 1 }), 400, 'SLUICE_API_INVALID_REQUEST', 'definition.timeoutMs')
    await expectRefused(put('new', { secrets: { A: 'nope' } }), 422, 'SLUICE_REGISTRY_INVALID', "no secret 'nope'")
    expect((await call('GET', '/v1/functions/new')).status).toBe(404)
  })
})

describe('a change that does not fit what is there', () => {
  it('is refused when somebody else was faster', async () => {
    const { body } = await call<FunctionView>('GET', '/v1/functions/good')
    const headers = { 'if-match': `"${body.revision}"` }
    const change = (memoryMiB: number) => call('PUT', '/v1/functions/good', { definition: { memoryMiB } }, headers)
    const answers = await Promise.all([change(100), change(101)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412])
  })

  it('is refused for versions, aliases and weights that do not hold', async () => {
    await call('POST', '/v1/functions/good/versions', {})
    const alias = (weights: unknown) => call('PUT', '/v1/functions/good/aliases/live', { weights })
    const half = [{ version: 1, weight: 50 }]
    await expectRefused(alias(half), 422, 'SLUICE_REGISTRY_INVALID', 'add up to 50')
    await expectRefused(alias([{ version: 9, weight: 100 }]), 422, 'SLUICE_REGISTRY_INVALID', 'no version 9')
    await expectRefused(alias([...half, ...half]), 422, 'SLUICE_REGISTRY_INVALID', 'stands twice')
    const trigger = (text: string) => call('PUT', '/v1/triggers/t', { stream: 'hooks', function: text })
    await expectRefused(trigger('good@9'), 422, 'SLUICE_REGISTRY_INVALID', 'no version 9')
    await expectRefused(trigger('good@beta'), 422, 'SLUICE_REGISTRY_INVALID', "no alias 'beta'")
    await expectRefused(trigger('goood'), 422, 'SLUICE_REGISTRY_INVALID', "did you mean 'good'?")
  })

  it('is refused while something needs what it would delete, and waits visibly when it is forced', async () => {
    await put('used', {}, undefined, { publish: {} })
    expect(
      (await call('PUT', '/v1/functions/used/aliases/live', { weights: [{ version: 1, weight: 100 }] })).status,
    ).toBe(201)
    expect((await call('PUT', '/v1/triggers/uses', { stream: 'hooks', function: 'used@live' })).status).toBe(201)
    await expectRefused(call('DELETE', '/v1/functions/used'), 409, 'SLUICE_REGISTRY_IN_USE', 'trigger uses')
    await expectRefused(call('DELETE', '/v1/functions/used/versions/1'), 409, 'SLUICE_REGISTRY_IN_USE', 'alias live')
    await expectRefused(
      call('DELETE', '/v1/functions/used/aliases/live'),
      409,
      'SLUICE_REGISTRY_IN_USE',
      'trigger uses',
    )
    expect((await call('DELETE', '/v1/functions/used?force=true')).status).toBe(200)
    expect((await call('GET', '/v1/triggers/uses')).body).toMatchObject({
      resolvesTo: [],
      problem: 'there is no function used',
    })
    expect((await call('DELETE', '/v1/triggers/uses')).status).toBe(200)
  })

  it('is refused for what the configuration file manages', async () => {
    await expectRefused(put('declared', {}), 409, 'SLUICE_REGISTRY_MANAGED', 'configuration file')
    await expectRefused(call('DELETE', '/v1/functions/declared?force=true'), 409, 'SLUICE_REGISTRY_MANAGED')
    await expectRefused(call('DELETE', '/v1/triggers/declared'), 409, 'SLUICE_REGISTRY_MANAGED')
    await expectRefused(call('POST', '/v1/functions/declared/versions', {}), 409, 'SLUICE_REGISTRY_MANAGED')
  })
})

describe('functions that feed each other without end', () => {
  it('end as a dead letter at the hop limit', async () => {
    await put('bounce', {}, "export default event => ({ type: 'bounced', data: event.data })")
    await call('PUT', '/v1/triggers/ping', { stream: 'ping', function: 'bounce', sinks: ['to-pong'] })
    await call('PUT', '/v1/triggers/pong', { stream: 'pong', function: 'bounce', sinks: ['to-ping'] })
    await put('serve', {}, "export default () => ({ type: 'served', data: 1 })")
    await call('PUT', '/v1/triggers/serve', { stream: 'hooks', function: 'serve', sinks: ['to-ping'] })
    await gateway.post('/hooks', { id: 'a', key: 'k', seq: 0 })
    const letters = await gateway.until('a dead letter', async () => {
      const all = [...(await gateway.deadLetters('ping')), ...(await gateway.deadLetters('pong'))]
      return all.length > 0 && all
    })
    expect(letters[0]).toMatchObject({ stage: 'sink', reason: 'SLUICE_DISPATCH_HOP_LIMIT' })
  })
})

describe('a secret', () => {
  it('reaches the handler, and neither an answer, nor a log, nor an error', async () => {
    const module = `export default (event, context) => {
      console.log('have', context.secrets.TOKEN)
      if (event.data.fail) throw new Error('bad ' + context.secrets.TOKEN)
      return context.secrets.TOKEN.length
    }`
    await put('holds', { secrets: { TOKEN: 'token' } }, module)
    const sync = await call<{ body: string; logs: { message: string }[] }>(
      'POST',
      '/v1/functions/holds/invocations?logs=true',
      {},
    )
    expect(sync.body).toMatchObject({ body: '24', logs: [{ message: 'have [secret]' }] })
    const failed = await call('POST', '/v1/functions/holds/invocations?logs=true', { fail: true })
    const everything = [
      failed,
      await call('GET', '/v1/functions/holds'),
      await gateway.until('kept logs', async () => {
        const { body } = await call<{ items: unknown[] }>('GET', '/v1/functions/holds/logs')
        return body.items.length >= 3 && body
      }),
      gateway.process.lines,
    ]
    expect(failed.status).toBe(502)
    expect(JSON.stringify(everything)).not.toContain('secret-value-of-the-test')
    expect(JSON.stringify(everything)).toContain('bad [secret]')
  })
})
