import { afterEach, expect, it } from 'vitest'
import type { GatewayProcess } from './gateway-process.ts'
import { disorderedOf, type Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

it('a delayed retry lets later events of its key go on, and outlives a SIGKILL with its attempts', async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: {
      eat: ledgerFunction('poison.mjs', file, { retry: { maxAttempts: 3, initialDelayMs: 3_000, jitter: 0 } }),
    },
    triggers: { eat: { stream: 'hooks', function: 'eat', retry: { mode: 'delayed' } } },
  })))
  await gateway.start()
  const ids = Array.from({ length: 20 }, (_, index) => `k${index % 4}-${Math.floor(index / 4)}`)
  for (const id of ids) {
    const [key = '', seq] = id.split('-')
    const body = { id, key, seq: Number(seq), ...(id === 'k3-1' ? { act: 'throw' } : {}) }
    expect((await gateway.post('/hooks', body)).status).toBe(202)
  }
  // All others are through while it waits for its second attempt.
  await ledger.waitFor(ids.length - 1)
  await gateway.until('set aside', async () => {
    const { delayed, parkedEvents, partitions } = await gateway.trigger('eat')
    const committed = partitions.reduce((sum, partition) => sum + (partition.committed ?? 0), 0)
    return delayed === 1 && parkedEvents === 1 && committed === ids.length
  })
  expect(await gateway.trigger('eat')).toMatchObject({ retryMode: 'delayed', ordering: 'key' })
  expect(await gateway.cli('triggers', 'eat')).toMatch(/\norder +by key, given up for events that fail: 1 so far\n/)
  await gateway.kill()
  await gateway.restart()
  const [letter] = await gateway.until('a dead letter', async () => {
    const letters = await gateway.deadLetters('eat')
    return letters.length > 0 && letters
  })
  await gateway.stop()
  await ledger.read()
  expect(letter).toMatchObject({ key: 'k3', failures: [{ attempt: 1 }, { attempt: 2 }, { attempt: 3 }] })
  expect(ledger.entries.map(({ id }) => id).toSorted()).toEqual(ids.filter(id => id !== 'k3-1').toSorted())
  expect(disorderedOf(ledger.entries)).toEqual([])
})
