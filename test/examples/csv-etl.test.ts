import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseCsv } from '../../examples/csv-etl/parse-csv.ts'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the CSV example', () => {
  let gateway: ExampleGateway
  let etl: MqttInbox
  let waves: MqttInbox
  beforeAll(async () => {
    gateway = await startExample('csv-etl')
    etl = await MqttInbox.open(gateway.mqttUrl, 'etl/#')
    waves = await MqttInbox.open(gateway.mqttUrl, 'waves/#')
  })
  afterAll(async () => {
    await etl.close()
    await waves.close()
    await gateway.stop()
    await gateway.dispose()
  })

  it('makes a record of each of 3,000 rows, tells bad ones, and sums up', async () => {
    const rows = Array.from(
      { length: 3_000 },
      (_, i) => `NW${String(i % 50).padStart(2, '0')},2026-01-05T06:00Z,${i % 500 === 0 ? 5.5 : 1.2},`,
    )
    rows[10] = 'NW01,never,1,'
    rows[20] = 'NW01,2026-01-05T06:00Z'
    rows[30] = 'NW01,2026-01-05T06:00Z,1.5,"a ""storm"",\nin two lines"'
    const csv = ['buoy,measured,wave_m,remark', ...rows].join('\r\n')
    expect(await gateway.postBytes('/files', 'text/csv', csv)).toBe(202)
    await etl.waitFor(3)
    const seen = new Map(etl.values().map(({ topic, value }) => [topic, value]))
    expect(seen.get('etl/loaded')).toEqual({ rows: 3_000, loaded: 2_998, bad: 2 })
    expect(seen.get('etl/bad/12')).toEqual({ line: 12, problems: ["'never' is no time"] })
    expect(seen.get('etl/bad/22')).toEqual({ line: 22, problems: ['it has 2 cells, not 4'] })
    const warnings = await waves.waitFor(6)
    expect(warnings.map(({ topic }) => topic)).toEqual(new Array(6).fill('waves/NW00'))
  })

  it('keeps a file that is no CSV as a dead letter', async () => {
    expect(await gateway.postBytes('/files', 'text/csv', 'a,b\n1,2\n')).toBe(202)
    const [letter] = await gateway.until('a dead letter', async () => {
      const letters = await gateway.deadLetters('load-file')
      return letters.length > 0 && letters
    })
    expect(letter?.message).toContain('the first line must be buoy,measured,wave_m,remark')
    expect(await gateway.postBytes('/files', 'application/json', '{}')).toBe(415)
  })
})

describe('parseCsv', () => {
  const cells = (text: string) => [...parseCsv(text)].map(row => row.cells)

  it('reads quotes, line breaks in cells and both ends of lines', () => {
    expect(cells('a,b\r\n"x ""y"", z","1\n2"\n\n,\n')).toEqual([['a', 'b'], ['x "y", z', '1\n2'], ['', '']]) // prettier-ignore
    expect([...parseCsv('"1\n2",x\ny')].map(({ line }) => line)).toEqual([1, 3])
    expect(() => cells('a\n"b')).toThrow('the quote on line 2 is never closed')
  })
})
