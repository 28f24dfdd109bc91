import { afterEach, beforeEach, expect, it } from 'vitest'
import type { DropView } from '../../src/api/views/drop-view.ts'
import type { RedriveView } from '../../src/api/views/redrive-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { record: ledgerFunction('record.mjs', file) },
    triggers: { record: { stream: 'hooks', function: 'record' } },
  })))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

const send = async (key: string, from: number, count: number): Promise<void> => {
  for (let seq = from; seq < from + count; seq++)
    expect((await gateway.post('/hooks', { id: `${key}-${seq}`, key, seq })).status).toBe(202)
}
const idsOf = (key: string): string[] => ledger.entries.filter(entry => entry.key === key).map(({ id }) => id)
const parkedEvents = async (): Promise<number> => (await gateway.trigger('record')).parkedEvents
const drop = (body: object) =>
  requestJson<DropView & { code: string }>(gateway.url, 'POST', '/v1/triggers/record/drop-parked', body)

it('what a paused key has parked becomes dead letters on request; what comes later runs, and so do other keys', async () => {
  await gateway.cli('pause', 'key', 'record', 'bad', '--reason', 'a test')
  await gateway.cli('pause', 'key', 'record', 'good', '--reason', 'a test')
  await send('bad', 0, 5)
  await send('good', 0, 5)
  await gateway.until('parked', async () => (await parkedEvents()) === 10)
  const args = ['resume', 'key', 'record', 'bad', '--drop-parked']
  expect(await gateway.cli(...args, '--dry-run')).toBe(
    'key bad of record has 5 parked events, which would become dead letters',
  )
  expect(await parkedEvents()).toBe(10)
  // Nobody is there to be asked.
  expect((await gateway.run(...args)).exit.code).not.toBe(0)
  expect(await parkedEvents()).toBe(10)
  expect(await gateway.cli(...args, '--yes')).toBe(
    '5 parked events of key bad of record are dead letters now\nkey bad of record is resumed',
  )
  const letters = await gateway.deadLetters('record')
  expect(letters.map(({ key, reason }) => [key, reason])).toEqual(Array(5).fill(['bad', 'dropped']))
  await send('bad', 5, 2)
  await ledger.waitFor(2)
  await gateway.kill()
  await gateway.restart()
  await gateway.cli('resume', 'key', 'record', 'good')
  await ledger.waitFor(7)
  await ledger.read()
  expect(new Set(idsOf('bad'))).toEqual(new Set(['bad-5', 'bad-6']))
  expect([...new Set(idsOf('good'))]).toEqual(['good-0', 'good-1', 'good-2', 'good-3', 'good-4'])

  const path = '/v1/triggers/record/redrives'
  const { body } = await requestJson<RedriveView>(gateway.url, 'POST', path, { filter: { reason: 'dropped' } })
  await gateway.until('redriven', async () => (await gateway.get<RedriveView>(`${path}/${body.id}`)).succeeded === 5)
  await ledger.read()
  expect(new Set(idsOf('bad')).size).toBe(7)
})

it('what a trigger has parked is dropped while it is paused, whatever its keys, and not what waits in the log', async () => {
  await gateway.cli('pause', 'key', 'record', 'a', '--reason', 'a test')
  await send('a', 0, 3)
  await gateway.until('parked', async () => (await parkedEvents()) === 3)
  expect(await drop({})).toMatchObject({ status: 409, body: { code: 'SLUICE_DISPATCH_NOT_PAUSED' } })
  expect(await drop({ key: 'b' })).toMatchObject({ status: 409, body: { code: 'SLUICE_DISPATCH_NOT_PAUSED' } })
  await gateway.cli('pause', 'record', '--reason', 'a test')
  await send('b', 0, 3)
  expect((await drop({ dryRun: true })).body).toEqual({ dryRun: true, parked: 3, dropped: 0 })
  expect((await drop({})).body).toEqual({ dryRun: false, parked: 3, dropped: 3 })
  expect((await drop({})).body).toEqual({ dryRun: false, parked: 0, dropped: 0 })
  const { state, deadLetters } = await gateway.trigger('record')
  expect({ state, deadLetters }).toEqual({ state: 'paused', deadLetters: 3 })
  await gateway.cli('resume', 'record')
  await ledger.waitFor(3)
  expect(idsOf('b')).toEqual(['b-0', 'b-1', 'b-2'])
})
