import { describe, expect, it } from 'vitest'
import { decodeEventHeader, encodeFromTemplate } from '../../../src/events/event-header-codec.ts'
import { compileMapping } from '../../../src/events/mapping.ts'
import type { Mapping } from '../../../src/events/mapping-schema.ts'
import { createPublicationDecoder } from '../../../src/sources/mqtt/decode-publication.ts'
import type { Publication } from '../../../src/sources/mqtt/publication.ts'
import type { IncomingEvent } from '../../../src/sources/source.ts'

const mapping: Mapping = { type: 'com.example.telemetry', subject: { topicLevel: 1 }, partitionkey: { topicLevel: 1 } }
const defaults = { source: '/devices', type: 'unmapped' }

function decoderOf(changes: Mapping = {}) {
  return createPublicationDecoder(compileMapping({ ...mapping, ...changes }, 'mqtt'), defaults)
}

function publication(changes: Partial<Publication> = {}): Publication {
  return {
    topic: 'devices/d1/telemetry',
    payload: Buffer.from('{"t":21}'),
    qos: 1,
    retain: false,
    clientId: 'c1',
    ...changes,
  }
}

/** The header as it goes into the log. */
function stored({ header, template }: IncomingEvent) {
  expect(template).toBeDefined()
  return decodeEventHeader(encodeFromTemplate(template!, header.id, header.acceptedAtMs))
}

describe('the decoder of publications', () => {
  it('gives messages of one topic an id and a time of their own and the same rest', () => {
    const decode = decoderOf()
    const first = decode(publication(), { acceptedAtMs: 1_000 })
    const second = decode(publication({ payload: Buffer.from('2') }), { acceptedAtMs: 2_000 })
    expect(second.header).toEqual({ ...first.header, id: second.header.id, acceptedAtMs: 2_000 })
    expect(second.header.id).not.toBe(first.header.id)
    expect(second.header).toMatchObject({ type: 'com.example.telemetry', subject: 'd1', position: 'mqtt:c1', hops: 0 })
    expect(second.value.toString()).toBe('2')
    expect(second.template!.key?.toString()).toBe('d1')
  })

  it('encodes beforehand what the header says, whoever publishes what in turns', () => {
    const decode = decoderOf()
    for (let round = 0; round < 3; round++) {
      for (const topic of ['devices/d1/telemetry', 'devices/ü2/telemetry']) {
        for (const clientId of ['c1', 'c2']) {
          for (const [qos, retain] of [
            [1, false],
            [1, true],
            [0, false],
          ] as const) {
            const event = decode(publication({ topic, clientId, qos, retain }), { acceptedAtMs: round })
            expect(stored(event)).toEqual(event.header)
            expect(event.header.subject).toBe(topic.split('/')[1])
            expect(event.header.protocol).toEqual({ kind: 'mqtt', topic, qos, retain, clientId })
            expect(event.header.acceptedAtMs).toBe(round)
          }
        }
      }
    }
  })

  it('knows topics anew after more of them than it remembers', () => {
    const decode = decoderOf()
    for (let index = 0; index <= 10_000; index++) {
      decode(publication({ topic: `devices/d${index}/telemetry` }), { acceptedAtMs: 1 })
    }
    const event = decode(publication({ topic: 'devices/d7/telemetry' }), { acceptedAtMs: 2 })
    expect(event.header.subject).toBe('d7')
    expect(stored(event)).toEqual(event.header)
  })

  it('encodes nothing beforehand when an id or a trace comes on top', () => {
    const decode = decoderOf()
    decode(publication(), { acceptedAtMs: 1 })
    const identified = decode(publication({ dedupId: 'q2' }), { acceptedAtMs: 1 })
    expect(identified).toMatchObject({ header: { dedupId: 'q2' } })
    expect(identified.template).toBeUndefined()
    const traced = decode(publication(), { acceptedAtMs: 1, traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` })
    expect(traced.header.traceparent).toContain('1111')
    expect(traced.template).toBeUndefined()
  })

  it('looks at each message when its id, a field of its body or a CloudEvent may be in it', () => {
    const byTopic = decoderOf({ id: { topicLevel: 1 } })
    for (const topic of ['a/1', 'a/2'])
      expect(byTopic(publication({ topic }), { acceptedAtMs: 1 }).header.id).toBe(topic[2])
    const byBody = decoderOf({ subject: { pointer: '/t' } })
    for (const t of [21, 22]) {
      const payload = Buffer.from(JSON.stringify({ t }))
      expect(byBody(publication({ payload }), { acceptedAtMs: 1 }).header.subject).toBe(String(t))
    }
    const decode = decoderOf()
    decode(publication(), { acceptedAtMs: 1 })
    const cloudEvent = { specversion: '1.0', id: 'own', source: '/own', type: 'own' }
    const event = decode(publication({ payload: Buffer.from(JSON.stringify(cloudEvent)) }), { acceptedAtMs: 1 })
    expect(event.header).toMatchObject({ id: 'own', source: '/own', type: 'own', position: 'mqtt:c1' })
    const properties = { userProperties: { traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` } }
    expect(decode(publication({ properties }), { acceptedAtMs: 1 }).header.traceparent).toContain('1111')
  })
  it('takes source and id of a CloudEvent as its deduplication id where the source asks for it', () => {
    const decode = createPublicationDecoder(compileMapping(mapping, 'mqtt'), { ...defaults, dedupCloudEvents: true })
    decode(publication(), { acceptedAtMs: 1 })
    const cloudEvent = { specversion: '1.0', id: '7', source: '/meter', type: 'reading' }
    const payload = Buffer.from(JSON.stringify(cloudEvent))
    // A device sends again on a new connection what it got no PUBACK for.
    for (const clientId of ['c1', 'c2'])
      expect(decode(publication({ payload, clientId }), { acceptedAtMs: 1 }).header.dedupId).toBe('/meter\n7')
    expect(decode(publication(), { acceptedAtMs: 1 }).header.dedupId).toBeUndefined()
  })
})
