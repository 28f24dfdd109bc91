import { afterEach, expect, it } from 'vitest'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

it('a trigger with the order of partitions runs all keys of a partition as they came, also around a poison event', async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    streams: { hooks: { partitions: 1 } },
    functions: { eat: ledgerFunction('poison.mjs', file, { retry: { maxAttempts: 3, initialDelayMs: 20 } }) },
    triggers: { eat: { stream: 'hooks', function: 'eat', ordering: 'partition' } },
  })))
  await gateway.start()
  const ids = Array.from({ length: 60 }, (_, index) => `k${index % 7}-${Math.floor(index / 7)}`)
  for (const id of ids) {
    const [key = '', seq] = id.split('-')
    const body = { id, key, seq: Number(seq), ...(id === 'k3-1' ? { act: 'throw' } : {}) }
    expect((await gateway.post('/hooks', body)).status).toBe(202)
  }
  await ledger.waitFor(ids.length - 1)
  expect(await gateway.trigger('eat')).toMatchObject({ ordering: 'partition', deadLetters: 1, parkedEvents: 0 })
  expect(await gateway.cli('triggers', 'eat')).toMatch(/\norder +by partition\n/)
  await gateway.stop()
  await ledger.read()
  expect(ledger.entries.map(({ id }) => id)).toEqual(ids.filter(id => id !== 'k3-1'))
})
