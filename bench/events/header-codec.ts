import { appendRecordOf, eventFromHttp, eventFromMqtt } from '../../src/events/create-event.ts'
import {
  decodeHeader,
  decodeEventHeader,
  encodeEventHeader,
  headerTag,
  readHeaderField,
} from '../../src/events/event-header-codec.ts'
import type { EventHeader } from '../../src/events/event-header.ts'
import { compileFilter } from '../../src/events/filter.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import { createKafkaEventReader } from '../../src/events/kafka-event-reader.ts'
import { compileMapping } from '../../src/events/mapping.ts'
import type { LogRecord } from '../../src/log/log-record.ts'

/*
 * CPU time per call of the event functions on the hot path, in ns: median of five rounds after a warm-up. CPU time and not
 * the clock, so that other load on the machine does not show.
 * Run with `node bench/events/header-codec.ts`, `--json` for machines.
 */

const callsPerRound = 200_000
const variants = 512

const requestHeaders = {
  host: 'localhost:8080',
  'user-agent': 'curl/8.1',
  accept: '*/*',
  'content-type': 'application/json',
  'content-length': '199',
  'x-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  'x-topic': 'orders',
}
const body = Buffer.from(
  JSON.stringify({ order: 4711, customer: 'c-42', lines: [{ sku: 'a', count: 2 }], note: 'x'.repeat(120) }),
)

const typical = Array.from({ length: variants }, (_, i): EventHeader => ({
  id: `0b1e6a0e-5a0f-4d4e-9d7b-${String(i).padStart(12, '0')}`,
  source: 'https://shop.example.com/orders',
  type: 'com.example.order.created',
  subject: `order-${i}`,
  datacontenttype: 'application/json',
  partitionkey: `customer-${i}`,
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  acceptedAtMs: 1_795_420_800_000 + i,
  hops: 0,
}))
const withHttp = typical.map((header): EventHeader => ({
  ...header,
  protocol: { kind: 'http', method: 'POST', path: '/hooks/shop', query: '', headers: requestHeaders },
}))
const encoded = typical.map(encodeEventHeader)
const encodedHttp = withHttp.map(encodeEventHeader)
const homeRecords = encoded.map((header, offset): LogRecord => ({
  offset, timestampMs: 0, key: Buffer.from('customer-42'), value: body, header, headers: null,
})) // prettier-ignore

const mapping = compileMapping(
  { type: 'order', subject: { header: 'x-topic' }, partitionkey: { header: 'x-delivery' } },
  'http',
)
const pointers = compileMapping({ partitionkey: { pointer: '/customer' } }, 'http')
const mqttMapping = compileMapping({ partitionkey: { topicLevel: 1 } }, 'mqtt')
const defaults = { source: '/sources/shop', type: 'http.request' }
const request = { method: 'POST', path: '/hooks/shop', query: '', headers: requestHeaders, body }
const binary = {
  ...request,
  headers: {
    ...requestHeaders, 'ce-specversion': '1.0', 'ce-id': '72d3162e-cc78', 'ce-source': 'https://shop.example.com/orders',
    'ce-type': 'com.example.order.created', 'ce-partitionkey': 'customer-42', 'ce-time': '2026-11-23T08:00:00.123Z',
  },
} // prettier-ignore
const structured = {
  ...request,
  headers: { ...requestHeaders, 'content-type': 'application/cloudevents+json; charset=UTF-8' },
  body: Buffer.from(
    `{"specversion":"1.0","id":"a","source":"/shop","type":"order","datacontenttype":"application/json","data":${body.toString()}}`,
  ),
}
const publish = { topic: 'devices/d7/telemetry', payload: body, qos: 1, retain: false, clientId: 'd7' } as const

const home = createHomeEventReader()
const kafkaDefaults = { topic: 'orders' }
const kafka = createKafkaEventReader({ ...kafkaDefaults, tombstones: 'skip' })
const kafkaRecords = Array.from({ length: variants }, (_, offset): LogRecord => ({
  offset, partition: 3, timestampMs: 1_795_420_800_000, key: Buffer.from(`customer-${offset}`), value: body, header: null, headers: [],
})) // prettier-ignore
const frame = Buffer.alloc(4096)
const kafkaForms = kafkaRecords.map(record => Buffer.from(frame.subarray(0, kafka.writeHeader(record, frame, 0))))
const filter = compileFilter({ type: 'com.example.*', subject: { prefix: 'order-' } })

const measured: Record<string, (i: number) => unknown> = {
  'encode header, 8 fields': i => encodeEventHeader(typical[i] as EventHeader),
  'decode header, 8 fields': i => decodeEventHeader(encoded[i] as Buffer),
  'encode header with HTTP context': i => encodeEventHeader(withHttp[i] as EventHeader),
  'decode header with HTTP context': i => decodeEventHeader(encodedHttp[i] as Buffer),
  'read one header field': i => readHeaderField(encoded[i] as Buffer, headerTag.traceparent),
  'home reader: problem and key': i =>
    home.problem(homeRecords[i] as LogRecord) ?? home.key(homeRecords[i] as LogRecord),
  'home reader: filter on type and subject': i => filter(home, homeRecords[i] as LogRecord),
  'Kafka reader: problem and key': i =>
    kafka.problem(kafkaRecords[i] as LogRecord) ?? kafka.key(kafkaRecords[i] as LogRecord),
  'Kafka reader: length and write': i =>
    kafka.headerByteLength(kafkaRecords[i] as LogRecord) + kafka.writeHeader(kafkaRecords[i] as LogRecord, frame, 0),
  'expand Kafka form': i => decodeHeader(kafkaForms[i] as Buffer, kafkaDefaults),
  'HTTP opaque to append record': () => eventFromHttp(request, mapping, defaults).map(appendRecordOf),
  'HTTP opaque with a pointer': () => eventFromHttp(request, pointers, defaults).map(appendRecordOf),
  'HTTP binary to append record': () => eventFromHttp(binary, mapping, defaults).map(appendRecordOf),
  'HTTP structured to append record': () => eventFromHttp(structured, mapping, defaults).map(appendRecordOf),
  'MQTT to append record': () => appendRecordOf(eventFromMqtt(publish, mqttMapping, defaults)),
}

let kept: unknown
const results = Object.entries(measured).map(([name, call]) => {
  const rounds: number[] = []
  for (let round = 0; round < 7; round++) {
    const start = process.cpuUsage()
    for (let i = 0; i < callsPerRound; i++) kept = call(i % variants)
    const { user, system } = process.cpuUsage(start)
    rounds.push(((user + system) * 1000) / callsPerRound)
  }
  const nsPerCall = Math.round(rounds.slice(2).sort((a, b) => a - b)[2] as number)
  return { name, nsPerCall }
})

if (process.argv.includes('--json')) console.log(JSON.stringify(results))
else for (const { name, nsPerCall } of results) console.log(name.padEnd(42), `${nsPerCall} ns`)
// Keeps the calls from being optimised away.
if (kept === process) console.log('unreachable')
