import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogPage } from '../../src/api/views/log-view.ts'
import { prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { requestJson } from './request-json.ts'
import { hooksSource } from './webhook-gateway.ts'

let gateway: GatewayProcess

const secrets = {
  declared: 'declared-secret-1',
  other: 'secret-of-another-function',
  hook: 'secret-of-the-webhook',
  broker: 'password-of-the-broker',
}

/** Says something in every way there is, before and after it has waited, and fails when it is told to. */
const talkative = `
export async function init({ logger }) {
  logger.info('loaded')
}
export default async (event, context) => {
  console.log('by the console', event.data.id)
  context.logger.info('by the logger', { id: event.data.id })
  await new Promise(resolve => setTimeout(resolve, 5))
  console.error('after waiting')
  process.stdout.write('by the stream\\n')
  await Promise.resolve().then(() => console.warn('in a chain'))
  if (event.data.leak) {
    console.log(context.secrets.KEY, event.data.leak)
    context.logger.warn(\`GET https://u:hunter2222@example.org/?access_token=hunter2222 Authorization: Bearer hunter2222\`)
  }
  if (event.data.fail) throw new Error('no: ' + context.secrets.KEY)
}`

beforeEach(async () => {
  gateway = await prepareGateway({
    config: {
      logging: { events: true },
      secrets: { declared: secrets.declared, other: secrets.other },
      sources: {
        hooks: hooksSource,
        signed: { type: 'http', path: '/signed', verify: { scheme: 'github', secrets: [secrets.hook] } },
        away: {
          type: 'mqtt',
          topics: ['a'],
          broker: { url: 'mqtt://127.0.0.1:1', username: 'u', password: secrets.broker },
        },
      },
    },
  })
  await gateway.start()
  await put('/v1/functions/talk', { definition: { secrets: { KEY: 'declared' } }, code: { module: talkative } })
  const retry = { maxAttempts: 2, initialDelayMs: 10 }
  await put('/v1/triggers/talks', { stream: 'hooks', function: 'talk', start: 'earliest', retry })
})

afterEach(() => gateway.dispose())

async function put(path: string, body: unknown): Promise<void> {
  const answer = await requestJson(gateway.url, 'PUT', path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
}

type Line = Readonly<Record<string, unknown>>

/** The lines of the log so far. */
const lines = (): Line[] =>
  gateway.process.stdout.filter(line => line.startsWith('{')).map(line => JSON.parse(line) as Line)

async function send(event: object): Promise<string> {
  const trace = randomBytes(16).toString('hex')
  const headers = { traceparent: `00-${trace}-${randomBytes(8).toString('hex')}-01` }
  expect((await gateway.post('/hooks', event, headers)).status).toBe(202)
  return trace
}

const untilLine = (what: RegExp, count = 1): Promise<unknown> =>
  gateway.until(String(what), async () => lines().filter(({ msg }) => what.test(String(msg))).length >= count)

describe('every line of an invocation', () => {
  it('has the trace and the invocation, whoever wrote it and when, also without tracing and when it fails', async () => {
    const traces = await Promise.all([
      send({ id: 'a', key: 'a' }),
      send({ id: 'b', key: 'b' }),
      send({ id: 'c', key: 'c', fail: true }),
    ])
    await untilLine(/^done /, 2)
    await untilLine(/^dead letter after 2/)
    const ofFunction = lines().filter(line => line['function'] === 'talk' && line['trigger'] === 'talks')
    const inHandler = ofFunction.filter(({ msg }) => /^(by|after|in) /.test(String(msg)))
    expect(inHandler).toHaveLength(4 * 5)
    for (const line of [...inHandler, ...lines().filter(({ msg }) => /^(done|dead letter)/.test(String(msg)))]) {
      expect(traces, JSON.stringify(line)).toContain(line['trace_id'])
      expect(line['invocation'], JSON.stringify(line)).toMatch(/^hooks\/\d+\/\d+#[12]$/)
    }
    // An invocation is of one trace: what runs at the same time is told apart.
    const byInvocation = new Map<unknown, Set<unknown>>()
    for (const { invocation, trace_id } of inHandler)
      byInvocation.set(invocation, (byInvocation.get(invocation) ?? new Set()).add(trace_id))
    expect(byInvocation.size).toBe(4)
    for (const ofOne of byInvocation.values()) expect(ofOne.size).toBe(1)
    const dead = lines().find(({ msg }) => /^dead letter/.test(String(msg)))
    expect(dead!['invocation']).toMatch(/#2$/)
    expect(dead).toMatchObject({ trace_id: traces[2], function: 'talk', version: 'latest', trigger: 'talks' })
  })

  it('is found by its function, level, text, invocation and trace', async () => {
    const trace = await send({ id: 'a', key: 'a' })
    await untilLine(/^done /)
    const { invocation } = lines().find(({ msg }) => msg === 'after waiting') as { invocation: string }
    const found = async (query: string) =>
      (await gateway.get<LogPage>(`/v1/functions/talk/logs?${query}`)).items.filter(({ kind }) => kind === 'console')
    const all = await gateway.until('kept', async () => {
      const kept = await found(`invocation=${encodeURIComponent(invocation)}`)
      return kept.length === 5 && kept
    })
    expect(all.map(({ traceId }) => traceId)).toEqual(Array(5).fill(trace))
    const other = await send({ id: 'b', key: 'b' })
    await gateway.until('kept', async () => (await found(`trace=${other}`)).length === 5)
    expect(await found(`trace=${trace}`)).toEqual(all)
    expect(await found(`trace=${'0'.repeat(31)}1`)).toEqual([])
    expect((await found('level=error&trace=' + trace)).map(({ message }) => message)).toEqual(['after waiting'])
    expect((await found(`text=by%20the%20console&trace=${trace}`)).map(({ message }) => message)).toEqual([
      'by the console a',
    ])
    expect(await found('text=by%20the%20console%20zzz')).toEqual([])
  })
})

describe('no line of the log', () => {
  it('shows a secret: declared, of the configuration, in a header or in a URL', async () => {
    const leak = [secrets.other, secrets.hook, secrets.broker].join(' and ')
    await send({ id: 'a', key: 'a', leak, fail: true })
    await gateway.post('/signed', { a: 1 }, { 'x-hub-signature-256': `sha256=${secrets.hook}`, authorization: 'Bearer hunter2222' }) // prettier-ignore
    await untilLine(/^dead letter after 2/)
    const text = gateway.process.lines.join('\n')
    expect(text).toContain('access_token=[redacted]')
    for (const secret of [...Object.values(secrets), 'hunter2222']) expect(text).not.toContain(secret)
    const leaked = lines().filter(({ msg }) => String(msg).includes(' and '))
    expect(leaked.map(({ msg }) => msg)).toEqual(
      Array(2).fill('[secret] [redacted] and [redacted] and [redacted]'),
    ) // prettier-ignore
  })
})
