import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WhyView } from '../../src/api/views/why-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { hooksSource, ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(() => ({})))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function done(method: string, path: string, body: unknown): Promise<void> {
  const answer = await requestJson(gateway.url, method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
}

/** Publishes a version of `call` that writes when a call begins and ends, by a clock that all processes share. */
async function publish(limits: object, name: string): Promise<void> {
  const module = `// ${name}
    import { openSync, writeSync } from 'node:fs'
    import { setTimeout } from 'node:timers/promises'
    let calls
    export const init = ({ env }) => { calls = openSync(env.LEDGER, 'a') }
    export default async (event, { version }) => {
      writeSync(calls, 'begin ' + process.hrtime.bigint() / 1000n + ' ' + version + '\\n')
      await setTimeout(20)
      writeSync(calls, 'end ' + process.hrtime.bigint() / 1000n + ' ' + version + '\\n')
    }`
  const definition = { environment: { LEDGER: ledger.file }, limits, scaling: { maxWorkers: 4 } }
  await done('PUT', '/v1/functions/call', { definition, code: { module }, publish: {} })
}

interface Call {
  readonly what: string
  /** Microseconds of the system's monotonic clock. */
  readonly atUs: number
  readonly version: string
}

function calls(): Call[] {
  // There is none before the first worker has started.
  const text = existsSync(ledger.file) ? readFileSync(ledger.file, 'utf8') : ''
  const lines = text.split('\n').slice(0, -1)
  return lines.map(line => {
    const [what = '', atUs, version = ''] = line.split(' ')
    return { what, atUs: Number(atUs), version }
  })
}

async function untilEnded(count: number): Promise<Call[]> {
  for (;;) {
    const seen = calls()
    if (seen.filter(({ what }) => what === 'end').length >= count) return seen
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

async function send(count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    expect((await gateway.post('/hooks', { id: `e${i}`, key: `k${i}`, seq: 1 })).status).toBe(202)
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n)

/** Calls that ran at a time at most. */
function mostAtOnce(seen: readonly Call[]): number {
  let running = 0
  let most = 0
  // What ended in the microsecond in which another began did not run beside it for certain.
  for (const { what } of seen.toSorted((a, b) => a.atUs - b.atUs || (a.what === 'end' ? -1 : 1))) {
    running += what === 'begin' ? 1 : -1
    most = Math.max(most, running)
  }
  return most
}

describe('a function that may run three calls at once', () => {
  it('never runs more, in two versions together, and both get their turn', async () => {
    await publish({ maxConcurrency: 3 }, 'first')
    await publish({ maxConcurrency: 3 }, 'second')
    const weights = [1, 2].map(version => ({ version, weight: 50 }))
    await done('PUT', '/v1/functions/call/aliases/live', { weights })
    await done('PUT', '/v1/triggers/calls', { stream: 'hooks', function: 'call@live' })
    await send(120)
    const seen = await untilEnded(120)
    expect(mostAtOnce(seen)).toBe(3)
    const ran = (version: string): number =>
      seen.filter(call => call.what === 'begin' && call.version === version).length
    expect(ran('1') + ran('2')).toBe(120)
    expect(ran('1')).toBeGreaterThan(20)
    expect(ran('2')).toBeGreaterThan(20)
  })
})

describe('a function that may begin twenty calls a second', () => {
  it('begins no more than its burst and the rate allow by any moment, and all in the end', async () => {
    await publish({ ratePerSecond: 20, burst: 5 }, 'only')
    await done('PUT', '/v1/triggers/calls', { stream: 'hooks', function: 'call' })
    const sinceUs = nowUs()
    await send(45)
    const seen = (await untilEnded(45)).filter(({ what }) => what === 'begin').toSorted((a, b) => a.atUs - b.atUs)
    expect(seen).toHaveLength(45)
    // The bucket was full, not fuller, when the first event came.
    for (const [before, { atUs }] of seen.entries())
      expect(before + 1).toBeLessThanOrEqual(5 + ((atUs - sinceUs) / 1e6) * 20 + 1e-6)
  })

  it('tells why an event waits, and keeps one worker for all of them', async () => {
    await publish({ ratePerSecond: 0.01, burst: 1 }, 'only')
    await done('PUT', '/v1/triggers/calls', { stream: 'hooks', function: 'call' })
    await send(50)
    await untilEnded(1)
    const { answers } = await gateway.get<WhyView>('/v1/why?trigger=calls&key=k49')
    expect(answers[0]).toMatchObject({ verdict: 'no-permit' })
    expect(answers[0]?.sentence).toContain('is ready and waits for a permit: function call is limited to 0.01/s')
    const { versions } = await gateway.get<{ versions: { workers: number; reason: string }[] }>('/v1/scaling')
    expect(versions.map(({ workers }) => workers)).toEqual([1])
    // What waits for a permit holds up no stop.
    await gateway.stop()
    await gateway.start()
  })
})

describe('a sender to a source that replies, of a function that may begin one call in a hundred seconds', () => {
  it('is answered 429 with the time that the next permit takes', async () => {
    const asks = { type: 'http', path: '/ask', mapping: { type: 'test.ask' }, reply: { function: 'answer' } }
    const limits = { ratePerSecond: 0.01, burst: 1 }
    const answer = ledgerFunction('record.mjs', ledger.file, { limits })
    await gateway.stop()
    await gateway.configure({ sources: { hooks: hooksSource, asks }, functions: { answer } })
    await gateway.start()
    const event = { id: 'e', key: 'k', seq: 1 }
    expect((await gateway.post('/ask', event)).status).toBeLessThan(300)
    const refusal = await gateway.post('/ask', event)
    expect(refusal.status).toBe(429)
    expect(JSON.parse(refusal.body)).toMatchObject({ code: 'SLUICE_DISPATCH_LIMITED' })
    expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThanOrEqual(10)
    expect(await (await fetch(`${gateway.url}/metrics`)).text()).toMatch(
      /sluice_source_refused_total\{[^}]*reason="overloaded"[^}]*\} 1/,
    )
  })
})

describe('a caller of a function that may begin one call a second', () => {
  it('is answered 429 with Retry-After where more wait than begin within a second', async () => {
    await publish({ ratePerSecond: 1, burst: 1 }, 'only')
    const answers = await Promise.all(
      Array.from({ length: 6 }, () =>
        requestJson<{ code: string; detail: string }>(gateway.url, 'POST', '/v1/functions/call/invocations', {
          data: {},
        }),
      ),
    )
    const refused = answers.filter(({ status }) => status === 429)
    expect(answers.filter(({ status }) => status < 300).length + refused.length).toBe(6)
    expect(refused.length).toBeGreaterThanOrEqual(3)
    for (const { headers, body } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
      expect(body.code).toBe('SLUICE_DISPATCH_LIMITED')
      expect(body.detail).toMatch(/^function call is limited to 1\/s \(limits\), and \d+ wait already/)
    }
    // The events of senders are not theirs: those wait in the log.
    await done('PUT', '/v1/triggers/calls', { stream: 'hooks', function: 'call' })
    await send(2)
    await untilEnded(answers.length - refused.length + 2)
  })
})
