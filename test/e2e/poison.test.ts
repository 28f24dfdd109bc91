import { afterEach, describe, expect, it } from 'vitest'
import type { GatewayProcess } from './gateway-process.ts'
import { disorderedOf, type Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

async function start(functionSettings: Record<string, unknown>): Promise<void> {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { eat: ledgerFunction('poison.mjs', file, functionSettings) },
    triggers: { eat: { stream: 'hooks', function: 'eat' } },
  })))
  await gateway.start()
}

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

/** Ten keys with five events each; the event `k3-1` is special. */
const ids = Array.from({ length: 50 }, (_, index) => `k${index % 10}-${Math.floor(index / 10)}`)

async function sendAll(act: 'throw' | 'loop' | 'exit' | 'kill'): Promise<void> {
  for (const id of ids) {
    const [key = '', seq] = id.split('-')
    const body = { id, key, seq: Number(seq), ...(id === 'k3-1' ? { act } : {}) }
    expect((await gateway.post('/hooks', body)).status).toBe(202)
  }
}

const processed = (): string[] => ledger.entries.map(({ id }) => id)
const others = ids.filter(id => id !== 'k3-1').toSorted()

describe('an event that its function always refuses', () => {
  it('becomes a dead letter with its history, once, and its key goes on behind it', async () => {
    await start({ retry: { maxAttempts: 3, initialDelayMs: 20 } })
    await sendAll('throw')
    await ledger.waitFor(others.length)
    const [letter] = await gateway.until('a dead letter', async () => {
      const letters = await gateway.deadLetters('eat')
      return letters.length > 0 && letters
    })
    await gateway.stop()
    await ledger.read()

    expect(letter).toMatchObject({
      stage: 'handler',
      key: 'k3',
      message: expect.stringContaining('cannot digest k3-1'),
    })
    expect(letter?.event).toMatchObject({ type: 'test.hook', partitionkey: 'k3' })
    const failure = { stage: 'handler', message: expect.stringContaining('cannot digest k3-1') as unknown }
    expect(letter?.failures).toMatchObject([1, 2, 3].map(attempt => ({ ...failure, attempt })))
    expect(JSON.parse(Buffer.from(letter?.dataBase64 ?? '', 'base64').toString())).toMatchObject({ id: 'k3-1' })
    expect(processed().toSorted()).toEqual(others)
    expect(disorderedOf(ledger.entries)).toEqual([])
  })

  it('is set aside with what follows it when it takes long, durably: after a SIGKILL they go on in order', async () => {
    // Two attempts fail and the third is seconds away: longer than a key may hold up its partition.
    await start({ retry: { maxAttempts: 3, initialDelayMs: 1_500, jitter: 0 } })
    await sendAll('throw')
    const behind = ['k3-2', 'k3-3', 'k3-4']
    await ledger.waitFor(others.length - behind.length)
    await gateway.until('parked', async () => {
      const { parkedEvents, partitions } = await gateway.trigger('eat')
      // Committed past them: only the store knows them from here on.
      const committed = partitions.reduce((sum, partition) => sum + (partition.committed ?? 0), 0)
      return parkedEvents === 1 + behind.length && committed === ids.length
    })
    await gateway.kill()
    await ledger.read()
    expect(processed().filter(id => behind.includes(id))).toEqual([])

    await gateway.restart()
    await ledger.waitFor(others.length)
    await gateway.until('a dead letter', async () => (await gateway.trigger('eat')).deadLetters === 1)
    await gateway.stop()
    await ledger.read()
    expect(processed().filter(id => behind.includes(id))).toEqual(behind)
    expect(disorderedOf(ledger.entries)).toEqual([])
  })

  it('and never returns is timed out: its worker is killed, it becomes a dead letter, the others are processed', async () => {
    await start({ timeoutMs: 1_000, retry: { maxAttempts: 2, initialDelayMs: 20 } })
    await sendAll('loop')
    await ledger.waitFor(others.length)
    const [letter] = await gateway.until('a dead letter', async () => {
      const letters = await gateway.deadLetters('eat')
      return letters.length > 0 && letters
    })
    const { items } = await gateway.get<{ items: { running: { killed: number }[] }[] }>('/v1/functions')
    await gateway.stop()
    await ledger.read()

    expect(letter).toMatchObject({ key: 'k3', reason: 'timeout', failures: [{ attempt: 1 }, { attempt: 2 }] })
    expect(items[0]?.running[0]?.killed).toBeGreaterThanOrEqual(2)
    expect([...new Set(processed())].toSorted()).toEqual(others)
    expect(disorderedOf(ledger.entries)).toEqual([])
  })
})

describe('an event that ends what runs it', () => {
  it('is a dead letter when it has ended two workers, however many attempts it has', async () => {
    await start({ retry: { maxAttempts: 50, initialDelayMs: 20 } })
    await sendAll('exit')
    await ledger.waitFor(others.length)
    const [letter] = await gateway.until('a dead letter', async () => {
      const letters = await gateway.deadLetters('eat')
      return letters.length > 0 && letters
    })
    await gateway.stop()
    await ledger.read()
    expect(letter).toMatchObject({
      key: 'k3',
      reason: 'SLUICE_WORKERS_HOST_CRASH',
      failures: [
        { attempt: 1, reason: 'crash', message: expect.stringContaining('process.exit(3)') as unknown },
        { attempt: 2, reason: 'crash' },
      ],
    })
    expect([...new Set(processed())].toSorted()).toEqual(others)
    expect(disorderedOf(ledger.entries)).toEqual([])
  })

  it('and it is the whole gateway: started again, it finds out alone; its neighbours are not charged', async () => {
    await start({ retry: { maxAttempts: 1 } })
    expect((await gateway.post('/v1/triggers/eat/pause', { reason: 'all of them together' })).status).toBe(200)
    await sendAll('kill')
    expect((await gateway.post('/v1/triggers/eat/resume', {})).status).toBe(200)
    let deaths = 0
    // Nothing is known of the first death, the second tells who ran, the third and fourth are the event's own.
    while (deaths < 10 && (await gateway.process.exited.then(() => true))) {
      deaths++
      gateway.launch()
      const buried = gateway
        .until('a dead letter', async () => (await gateway.deadLetters('eat').catch(() => [])).length > 0)
        .catch(() => false)
      if (await buried) break
    }
    expect(deaths).toBe(4)
    await ledger.waitFor(others.length)
    const letters = await gateway.deadLetters('eat')
    await gateway.stop()
    await ledger.read()
    const message = 'the gateway process ended while the event ran alone in it'
    expect(letters).toMatchObject([
      {
        key: 'k3',
        reason: 'SLUICE_WORKERS_HOST_CRASH',
        failures: [
          { attempt: 1, message },
          { attempt: 2, message },
        ],
      },
    ])
    expect([...new Set(processed())].toSorted()).toEqual(others)
    expect(disorderedOf(ledger.entries)).toEqual([])
  })
})
