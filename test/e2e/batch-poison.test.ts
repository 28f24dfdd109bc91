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

it('a batch with one poisoned event loses that one only, in the order of keys', async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { eat: ledgerFunction('import.mjs', file, { batch: { maxEvents: 40 }, retry: { maxAttempts: 1 } }) },
    triggers: { eat: { stream: 'hooks', function: 'eat' } },
  })))
  await gateway.start()
  expect((await gateway.post('/v1/triggers/eat/pause', { reason: 'all of them together' })).status).toBe(200)
  const ids = Array.from({ length: 40 }, (_, index) => `k${index % 10}-${Math.floor(index / 10)}`)
  for (const id of ids) {
    const [key = '', seq] = id.split('-')
    const body = { id, key, seq: Number(seq), ...(id === 'k3-1' ? { act: 'throw' } : {}) }
    expect((await gateway.post('/hooks', body)).status).toBe(202)
  }
  expect((await gateway.post('/v1/triggers/eat/resume', {})).status).toBe(200)
  await ledger.waitFor(ids.length - 1)
  const letters = await gateway.until('a dead letter', async () => {
    const found = await gateway.deadLetters('eat')
    return found.length > 0 && found
  })
  await gateway.stop()
  await ledger.read()
  // With one attempt, whoever is charged is a dead letter: nobody else was.
  expect(letters).toMatchObject([{ key: 'k3', message: 'cannot import k3-1', failures: [{ attempt: 1 }] }])
  expect(ledger.entries.map(({ id }) => id).toSorted()).toEqual(ids.filter(id => id !== 'k3-1').toSorted())
  expect(disorderedOf(ledger.entries)).toEqual([])
})
