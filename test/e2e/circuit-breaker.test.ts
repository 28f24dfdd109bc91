import { rmSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { functionFile, type GatewayProcess, type TriggerState } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

interface BreakerTrigger extends TriggerState {
  readonly breaker: { readonly state: string; readonly openings: number } | null
}

let gateway: GatewayProcess
let ledger: Ledger
const away = (): string => gateway.path('away')
const trigger = (): Promise<BreakerTrigger> => gateway.get<BreakerTrigger>('/v1/triggers/price')

/** Probing comes soon again here, so that the test need not wait for it. */
const breaker = { minAttempts: 10, probeAfterMs: 1_500, maxProbeAfterMs: 2_000 }

async function configure(file: string, more: Record<string, unknown>): Promise<void> {
  await gateway.configure({
    sources: {
      hooks: { type: 'http', path: '/hooks', mapping: { type: 'test.hook', partitionkey: { pointer: '/key' } } },
    },
    functions: {
      price: {
        file: functionFile('while-away.mjs'),
        environment: { LEDGER: file, AWAY: away() },
        retry: { maxAttempts: 3, initialDelayMs: 50 },
      },
      mended: {
        file: functionFile('while-away.mjs'),
        environment: { LEDGER: file, AWAY: gateway.path('never') },
      },
    },
    triggers: { price: { stream: 'hooks', function: 'price', ...more } },
  })
}

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(() => ({})))
  await configure(ledger.file, { breaker })
  writeFileSync(away(), '')
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function send(events: number): Promise<SentLedger> {
  const sent = new SentLedger()
  await sendWebhooks({ url: gateway.url, path: '/hooks', connections: 8, keys: 50, events, ledger: sent })
  return sent
}

const untilOpen = (): Promise<BreakerTrigger> =>
  gateway.until('paused by its breaker', async () => {
    const view = await trigger()
    return view.paused !== null && view
  })

describe('a function that fails for as long as something else is away', () => {
  it('is paused by its circuit breaker through SIGKILLs, and every event runs when what it needs is back', async () => {
    const sent = await send(600)
    const { paused } = await untilOpen()
    expect(paused).toMatchObject({ by: 'breaker' })
    expect(paused?.reason).toMatch(/^\d+ of \d+ attempts failed within 30 s: .*the price list is away/)
    const table = await gateway.cli('triggers')
    expect(table).toMatch(/price +(paused|probing|pausing) .*attempts failed within 30 s/)
    expect(await gateway.cli('pauses')).toContain('breaker')

    // Whether it is killed while it waits or while it probes: it comes back paused.
    for (let round = 0; round < 2; round++) {
      await gateway.until('probing has failed', async () =>
        /probing has failed/.test((await trigger()).paused?.reason ?? ''),
      )
      await gateway.kill()
      await gateway.restart()
      const restarted = await trigger()
      expect(restarted.paused).toMatchObject({ by: 'breaker' })
      expect(restarted.succeeded).toBe(0)
    }

    rmSync(away())
    await ledger.waitFor(sent.acknowledged.size)
    const view = await gateway.until('resumed', async () => {
      const now = await trigger()
      return now.lag === 0 && now.paused === null && now
    })
    expect(view).toMatchObject({ state: 'running', breaker: { state: 'closed' } })
    expect(await gateway.deadLetters('price')).toEqual([])
    await gateway.stop()
    await ledger.read()
    const { duplicates: _, ...rest } = audit(ledger, sent)
    expect(rest).toEqual(clean)
  })

  it('stays paused when a person has paused it over its breaker, and goes on when the person says so', async () => {
    const sent = await send(200)
    await untilOpen()
    await gateway.cli('pause', 'price', '--reason', 'hands off', '--by', 'ada')
    rmSync(away())
    await gateway.kill()
    await gateway.restart()
    expect((await trigger()).paused).toMatchObject({ reason: 'hands off', by: 'ada' })
    expect((await trigger()).breaker).toMatchObject({ state: 'closed' })
    await gateway.cli('resume', 'price')
    await ledger.waitFor(sent.acknowledged.size)
    expect(await gateway.deadLetters('price')).toEqual([])
  })

  it('is tried at once with the function that takes its place, however long the breaker would have waited', async () => {
    const settings = JSON.stringify({ minAttempts: 10, probeAfterMs: 3_600_000 })
    await gateway.cli('triggers', 'create', 'other', '--stream', 'hooks', '--function', 'price', '--breaker', settings)
    const sent = await send(200)
    const other = (): Promise<BreakerTrigger> => gateway.get<BreakerTrigger>('/v1/triggers/other')
    await gateway.until('open', async () => (await other()).breaker?.state === 'open')
    expect(await gateway.cli('triggers', 'other')).toMatch(/circuit breaker +open, probes in/)
    await gateway.cli('triggers', 'update', 'other', '--function', 'mended')
    await ledger.waitFor(sent.acknowledged.size)
    await gateway.until('resumed', async () => (await other()).paused === null)
    expect(await gateway.deadLetters('other')).toEqual([])
  })

  it('goes on when its breaker is taken away', async () => {
    const sent = await send(200)
    await untilOpen()
    await gateway.stop()
    await configure(ledger.file, {})
    rmSync(away())
    await gateway.restart()
    expect(await trigger()).toMatchObject({ paused: null, breaker: null })
    await ledger.waitFor(sent.acknowledged.size)
  })
})
