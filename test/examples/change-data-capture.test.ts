import { createHmac } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

const maskKey = 'the key of this test'
const masked = (value: string): string =>
  `"masked:${createHmac('sha256', maskKey).update(JSON.stringify(value)).digest('hex').slice(0, 12)}"`

describe('the change data capture example', () => {
  let gateway: ExampleGateway
  let inbox: MqttInbox

  beforeAll(async () => {
    gateway = await startExample('change-data-capture', { MASK_KEY: maskKey })
    inbox = await MqttInbox.open(gateway.mqttUrl, 'audit/#')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
  })

  it('makes an audit trail of the changes: who, what, each column from what to what, in the order of the table', async () => {
    const changes = await readFile(exampleFile('change-data-capture', 'changes.ndjson'))
    expect(await gateway.postBytes('/changes', 'application/x-ndjson', changes)).toBe(202)
    await inbox.waitFor(8)
    const linesOf = (table: string) =>
      inbox.messages.filter(({ topic }) => topic === `audit/${table}`).map(({ payload }) => payload.toString())
    expect(linesOf('customers')).toEqual([
      '2026-03-02T10:01:07.000Z ada@shop.example: update customers 1042: credit_limit 50000 → 80000',
      '2026-03-02T10:02:30.000Z grace@shop.example: update customers 1042: ' +
        `email ${masked('mira.novak@example.org')} → ${masked('m.novak@example.org')}, ` +
        `iban ${masked('DE02120300000000202051')} → ${masked('DE75512108001245126199')}`,
      '2026-03-02T10:15:00.000Z privacy-desk: delete customers 1042: ' +
        `name ${masked('Mira Novak')}, email ${masked('m.novak@example.org')}, ` +
        `iban ${masked('DE75512108001245126199')}, credit_limit 80000`,
    ])
    expect(linesOf('orders')).toEqual([
      '2026-03-02T10:03:00.000Z web: insert orders 9001: ' +
        'customer_id 1042, status "new", total_cents 25800, note null',
      '2026-03-02T10:03:44.000Z payments: update orders 9001: status "new" → "paid"',
      '2026-03-02T10:09:12.000Z grace@shop.example: update orders 9001: ' +
        'status "paid" → "cancelled", note null → "customer called, wants the blue one"',
    ])
    expect(linesOf('products')).toEqual([
      '2026-03-02T10:05:00.000Z ada@shop.example: update products 77: price_cents 12900 → 13900',
    ])
    expect(linesOf('staging')).toEqual(['2026-03-02T10:16:00.000Z unknown: truncate staging'])
    expect(inbox.messages).toHaveLength(8)
  })

  it('writes no masked value to the trail', async () => {
    const directory = join(gateway.directory, 'data', 'streams', 'audit')
    const names = await readdir(directory, { recursive: true, withFileTypes: true })
    const files = names.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
    const bytes = Buffer.concat(await Promise.all(files.map(file => readFile(file)))).toString('latin1')
    expect(bytes).toContain('masked:')
    for (const value of ['novak', 'Novak', 'DE02120300000000202051', 'DE75512108001245126199']) {
      expect(bytes).not.toContain(value)
    }
  })

  it('takes messages with schemas, and passes over heartbeats and tombstones', async () => {
    const before = inbox.messages.length
    const source = { db: 'shop', table: 'tags', ts_ms: Date.UTC(2026, 2, 2), txId: 1 }
    const payload = { op: 'c', before: null, after: { id: 1, label: 'new', updated_by: 'ada' }, source }
    const lines = [{ ts_ms: 1 }, null, { schema: { type: 'struct' }, payload }]
    const body = lines.map(line => JSON.stringify(line)).join('\n')
    expect(await gateway.postBytes('/changes', 'application/x-ndjson', body)).toBe(202)
    await inbox.waitFor(before + 1)
    expect(inbox.messages.slice(before)).toMatchObject([{ topic: 'audit/tags' }])
    expect(inbox.messages.at(-1)?.payload.toString()).toBe('2026-03-02T00:00:00.000Z ada: insert tags 1: label "new"')
    await gateway.until('everything processed', async () => (await gateway.trigger('audit')).lag === 0)
    expect((await gateway.trigger('audit')).deadLetters).toBe(0)
  })
})
