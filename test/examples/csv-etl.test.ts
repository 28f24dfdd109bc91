import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../examples/csv-etl/parse-csv.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

const rows = 2000
const badRows = rows / 100
const products = execFileSync(process.execPath, [exampleFile('csv-etl', 'make-products.js'), String(rows)])
const fieldsOf = (text: string) => [...parseCsv(text)].map(({ fields }) => fields)

describe('the CSV example', () => {
  let gateway: ExampleGateway
  let inbox: MqttInbox

  beforeAll(async () => {
    gateway = await startExample('csv-etl')
    inbox = await MqttInbox.open(gateway.mqttUrl, '#')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
  })

  it('makes a record of each good row, sends bad ones aside, and sums up', async () => {
    expect(await gateway.postBytes('/imports?file=products.csv', 'text/csv; charset=utf-8', products)).toBe(202)
    await inbox.waitFor(rows + 1)
    const values = inbox.values()
    const of = (topic: string) => values.filter(each => each.topic === topic).map(({ value }) => value)
    expect(of('imports/products.csv/summary')).toEqual([
      { file: 'products.csv', rows, accepted: rows - badRows, rejected: badRows },
    ])
    const rejected = of('imports/products.csv/rejected') as { line: number; reason: string }[]
    expect(rejected).toHaveLength(badRows)
    expect(rejected.slice(0, 8).map(({ reason }) => reason)).toEqual([
      "price 'on request' is not like 12.50",
      expect.stringMatching(/^price '-\d+\.\d\d' is not like 12\.50$/),
      "currency 'EURO' is none of EUR, GBP, USD",
      'name is empty',
      "stock '12.5' is no whole number",
      "available_from '31.12.2026' is not like 2026-12-31",
      'sku P-00001 stands on line 2, too',
      '6 fields, not 7',
    ])
    // Lines are those of the file, where some rows take two of them.
    const lines = products.toString().split('\n')
    expect(lines[(rejected[0]?.line ?? 0) - 1]).toContain('P-00100,')
    expect(lines[(rejected.at(-1)?.line ?? 0) - 1]).toContain('P-02000,')

    const published = values.filter(({ topic }) => topic.startsWith('products/'))
    expect(new Set(published.map(({ topic }) => topic)).size).toBe(rows - badRows)
    expect(published.length).toBe(rows - badRows)
    const lastRow = fieldsOf(products.toString()).findLast(([sku]) => sku === 'P-01999')
    expect(of('products/P-01999')).toEqual([
      {
        sku: 'P-01999',
        name: lastRow?.[1],
        price: `${lastRow?.[3]} ${lastRow?.[4]}`,
        inStock: lastRow?.[5] !== '0',
      },
    ])
  })

  it('keeps a file without the columns, or in another encoding than it claims, as a dead letter', async () => {
    expect(await gateway.postBytes('/imports?file=half.csv', 'text/csv', 'sku,name\r\nP-00001,Gate\r\n')).toBe(202)
    const latin1 = Buffer.from(products.toString().slice(1), 'latin1')
    expect(await gateway.postBytes('/imports?file=latin1.csv', 'text/csv; charset=utf-8', latin1)).toBe(202)
    const letters = await gateway.until('two dead letters', async () => {
      const found = await gateway.deadLetters('product-import')
      return found.length === 2 && found
    })
    const messages = letters.map(({ message }) => message).sort()
    expect(messages[1]).toContain(
      'half.csv: the columns description, price, currency, stock, available_from are missing',
    )
    expect(messages[0]).toMatch(/encoded data/)
  })

  it.each([
    ['a,b\r\nc,d', [1, 'a', 'b'], [2, 'c', 'd']],
    ['a,"b ""c"", d",\n', [1, 'a', 'b "c", d', '']],
    ['"one\r\ntwo",x\n\n,', [1, 'one\r\ntwo', 'x'], [4, '', '']],
    ['\ufeffa"b,""', [1, 'a"b', '']],
    [''],
  ])('reads %j', (text, ...expected) => {
    expect([...parseCsv(text)].map(({ line, fields }) => [line, ...fields])).toEqual(expected)
  })

  it('reads no half of a file whose quote is never closed', () => {
    expect(() => [...parseCsv('a,b\n"c,d\ne,f\n')]).toThrow('the quote on line 2 is never closed')
  })
})
