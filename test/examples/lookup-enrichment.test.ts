import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the lookup enrichment example', () => {
  let gateway: ExampleGateway
  let inbox: MqttInbox
  let copy = ''
  const flights = () => readFile(exampleFile('lookup-enrichment', 'flights.ndjson'))

  beforeAll(async () => {
    gateway = await startExample('lookup-enrichment')
    inbox = await MqttInbox.open(gateway.mqttUrl, '#')
    copy = await mkdtemp(join(tmpdir(), 'sluice-example-copy-'))
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
    await rm(copy, { recursive: true })
  })

  it('adds what the table knows, and sends aside what it does not know', async () => {
    expect(await gateway.postBytes('/flights', 'application/x-ndjson', await flights())).toBe(202)
    await inbox.waitFor(10)
    const byTopic = new Map(inbox.values().map(({ topic, value }) => [topic, value as Record<string, unknown>]))
    expect(byTopic.get('flights/LH400')).toEqual({
      flight: 'LH400',
      departed: '2026-03-02T10:05:00Z',
      from: { iata: 'FRA', city: 'Frankfurt', country: 'DE' },
      to: { iata: 'JFK', city: 'New York', country: 'US' },
      distanceKm: 6189,
      haul: 'long',
      international: true,
    })
    expect(byTopic.get('flights/OS231')).toMatchObject({ distanceKm: 355, haul: 'short', international: true })
    expect(byTopic.get('flights/AA2421')).toMatchObject({ distanceKm: 1983, haul: 'medium', international: false })
    expect(byTopic.get('unmatched-flights/XX7')).toMatchObject({ from: 'AMS', to: 'ZZZ', unknown: ['ZZZ'] })
    expect([...byTopic.keys()].filter(topic => topic.startsWith('flights/'))).toHaveLength(9)
  })

  it('takes a new table by another apply; while one is broken, the flights wait', async () => {
    await cp(exampleFile('lookup-enrichment', ''), copy, { recursive: true })
    const table = await readFile(join(copy, 'airports.csv'), 'utf8')
    const applyWith = async (line: string) => {
      await writeFile(join(copy, 'airports.csv'), `${table}${line}\n`)
      await gateway.cli('apply', '-f', join(copy, 'sluice.yaml'), '--yes')
    }
    const before = inbox.messages.length
    await applyWith('ZZZ,Zedville,NL,north,east')
    expect(await gateway.postBytes('/flights', 'application/x-ndjson', await flights())).toBe(202)
    await gateway.until('the mistake', async () => {
      const shown = await gateway.cli('functions', 'flight-enrich')
      return shown.includes('airports.csv, line 48: ZZZ,Zedville,NL,north,east')
    })
    await gateway.until('they wait', async () => (await gateway.trigger('flight-enrich')).lag === 10)

    await applyWith('ZZZ,Zedville,NL,52.000,5.000')
    await inbox.waitFor(before + 10)
    const later = inbox.values().slice(before)
    expect(later.find(({ topic }) => topic === 'flights/XX7')?.value).toMatchObject({ to: { city: 'Zedville' } })
    expect(later).toHaveLength(10)
  })
})
