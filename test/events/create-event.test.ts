import { describe, expect, it } from 'vitest'
import {
  appendRecordOf,
  eventFromHttp,
  eventFromMqtt,
  type HttpInput,
  type MqttInput,
} from '../../src/events/create-event.ts'
import { decodeEventHeader } from '../../src/events/event-header-codec.ts'
import { compileMapping } from '../../src/events/mapping.ts'

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const defaults = { source: '/sources/shop', type: 'http.request' }
const mapping = compileMapping(
  { partitionkey: { header: 'x-tenant', optional: true }, dedupId: { header: 'x-delivery', optional: true } },
  'http',
)
const request = (headers: HttpInput['headers'], body: string | Buffer = '{"a":1.0}'): HttpInput => ({
  method: 'POST', path: '/hooks/shop', query: 'q=1', headers, body: Buffer.from(body),
}) // prettier-ignore
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('events of HTTP requests', () => {
  it('are mapped when the body is no CloudEvent, which stays as it is', () => {
    const input = request({
      'content-type': 'application/json',
      'x-tenant': 't1',
      'x-delivery': 'd1',
      traceparent,
      tracestate: 'a=b',
    })
    const [event] = eventFromHttp(input, mapping, defaults, 5)
    expect(event?.value).toBe(input.body)
    expect(event?.header).toEqual({
      id: expect.stringMatching(uuid), source: '/sources/shop', type: 'http.request', acceptedAtMs: 5, hops: 0, datacontenttype: 'application/json',
      partitionkey: 't1', dedupId: 'd1', traceparent, tracestate: 'a=b',
      protocol: { kind: 'http', method: 'POST', path: '/hooks/shop', query: 'q=1', headers: input.headers },
    }) // prettier-ignore
  })

  it('have ids of their own', () => {
    const ids = Array.from({ length: 100 }, () => eventFromHttp(request({}), mapping, defaults)[0]!.header.id)
    expect(new Set(ids).size).toBe(100)
  })

  it('never keep credentials', () => {
    const [event] = eventFromHttp(
      request({ authorization: 'Bearer x', cookie: 'c=1', 'proxy-authorization': 'y', 'x-a': 'z' }),
      mapping,
      defaults,
    )
    expect(event?.header.protocol).toMatchObject({ headers: { 'x-a': 'z' } })
    expect(JSON.stringify(event?.header)).not.toMatch(/Bearer|c=1|proxy/)
  })

  it('ignore an invalid traceparent, and then tracestate, too', () => {
    const [event] = eventFromHttp(request({ traceparent: '00-x', tracestate: 'a=b' }), mapping, defaults)
    expect(event?.header).not.toHaveProperty('traceparent')
    expect(event?.header).not.toHaveProperty('tracestate')
  })

  it('are CloudEvents as they are, with their own trace first', () => {
    const own = traceparent.replace('0af7', '1af7')
    const headers = {
      'ce-specversion': '1.0',
      'ce-id': 'a',
      'ce-source': '/s',
      'ce-type': 't',
      'ce-traceparent': own,
      'ce-partitionkey': 'k',
      traceparent,
    }
    const [event] = eventFromHttp(request(headers), mapping, { ...defaults, dedupCloudEvents: true }, 7)
    expect(event?.header).toMatchObject({
      id: 'a',
      source: '/s',
      type: 't',
      traceparent: own,
      partitionkey: 'k',
      acceptedAtMs: 7,
      dedupId: '/s\na',
    })
    const [other] = eventFromHttp(request({ ...headers, 'ce-traceparent': undefined }), mapping, defaults)
    expect(other?.header.traceparent).toBe(traceparent)
    expect(other?.header).not.toHaveProperty('dedupId')
  })

  it('come as NDJSON, each line mapped, and a line that cannot be is named by its index', () => {
    const lines = compileMapping({ partitionkey: { pointer: '/k' } }, 'http')
    const headers = { 'content-type': 'application/x-ndjson' }
    const events = eventFromHttp(request(headers, '{"k":1}\n{"k":2}\n'), lines, defaults)
    expect(events.map(({ header, value }) => [header.partitionkey, header.datacontenttype, value.toString()])).toEqual([
      ['1', 'application/json', '{"k":1}'],
      ['2', 'application/json', '{"k":2}'],
    ])
    expect(() => eventFromHttp(request(headers, '{"k":1}\n{}'), lines, defaults)).toThrow(
      expect.objectContaining({
        code: 'SLUICE_EVENTS_MAPPING',
        details: expect.objectContaining({ index: 1, field: 'partitionkey' }),
      }),
    )
    expect(() => eventFromHttp(request(headers, '1\n2\n3'), mapping, { ...defaults, maxBatchEvents: 2 })).toThrow(
      /3 events, 2 are allowed/,
    )
  })

  it('come as a batch of CloudEvents, all or none', () => {
    const one = { specversion: '1.0', id: 'a', source: '/', type: 't' }
    const headers = { 'content-type': 'application/cloudevents-batch+json' }
    expect(
      eventFromHttp(request(headers, JSON.stringify([one, { ...one, id: 'b' }])), mapping, defaults).map(
        event => event.header.id,
      ),
    ).toEqual(['a', 'b'])
    expect(() => eventFromHttp(request(headers, JSON.stringify([one, { ...one, id: '' }])), mapping, defaults)).toThrow(
      /event 1 of the batch.*"id"/,
    )
  })

  it('become records that decode to the same', () => {
    const [event] = eventFromHttp(request({ 'x-tenant': 'tänant' }), mapping, defaults)
    const record = appendRecordOf(event!)
    expect(record.key?.toString()).toBe('tänant')
    expect(decodeEventHeader(record.header)).toEqual(event?.header)
    expect(appendRecordOf(eventFromHttp(request({}), mapping, defaults)[0]!).key).toBeNull()
  })
})

describe('events of MQTT messages', () => {
  const byLevel = compileMapping({ partitionkey: { topicLevel: 1 } }, 'mqtt')
  const publish: MqttInput = {
    topic: 'devices/d7/t',
    payload: Buffer.from([0xff, 0]),
    qos: 1,
    retain: false,
    clientId: 'd7',
  }

  it('are mapped, with their place in the protocol', () => {
    const properties = { contentType: 'application/octet-stream', userProperties: { traceparent, site: ['a', 'b'] } }
    const { header, value } = eventFromMqtt({ ...publish, properties }, byLevel, defaults, 9)
    expect(value).toBe(publish.payload)
    expect(header).toEqual({
      id: expect.stringMatching(uuid), source: '/sources/shop', type: 'http.request', acceptedAtMs: 9, hops: 0, partitionkey: 'd7', position: 'mqtt:d7', traceparent,
      datacontenttype: 'application/octet-stream',
      protocol: { kind: 'mqtt', topic: 'devices/d7/t', qos: 1, retain: false, clientId: 'd7', userProperties: properties.userProperties },
    }) // prettier-ignore
  })

  it('leave out a content type that is none', () => {
    const { header } = eventFromMqtt({ ...publish, properties: { contentType: 'json' } }, byLevel, defaults)
    expect(header).not.toHaveProperty('datacontenttype')
  })

  it('are CloudEvents in both modes', () => {
    const userProperties = { specversion: '1.0', id: 'a', source: '/', type: 't' }
    expect(eventFromMqtt({ ...publish, properties: { userProperties } }, byLevel, defaults)).toMatchObject({
      header: { id: 'a', position: 'mqtt:d7', protocol: { kind: 'mqtt' } },
      value: publish.payload,
    })
    const payload = Buffer.from(JSON.stringify({ ...userProperties, data: { t: 1 } }))
    expect(eventFromMqtt({ ...publish, payload }, byLevel, defaults)).toMatchObject({
      header: { id: 'a', datacontenttype: 'application/json' },
      value: Buffer.from('{"t":1}'),
    })
    expect(eventFromMqtt({ ...publish, payload }, byLevel, { ...defaults, structured: 'never' }).value).toBe(payload)
  })
})
