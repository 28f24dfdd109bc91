import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { compileMapping, type MappingInput } from '../../src/events/mapping.ts'
import { MappingSchema, type Mapping } from '../../src/events/mapping-schema.ts'

const body = Buffer.from('{"order":{"id":4711,"open":true,"list":[],"none":null,"empty":""},"a/b":"x","bad":"a\\nb"}')
const http: MappingInput = {
  body,
  query: 'tenant=t%201&x=',
  headers: { 'x-topic': 'orders', 'x-empty': '', 'x-list': ['a', 'b'] },
}
const mqtt: MappingInput = { body, topic: 'devices/d7/temperature', headers: { Site: 'berlin' } }
const kafka: MappingInput = { body, key: Buffer.from('k1'), recordHeaders: [['tenant', Buffer.from('t1')]] }

describe('a mapping', () => {
  it.each<[string, 'http' | 'mqtt' | 'kafka', MappingInput, Mapping['subject'], string | undefined]>([
    ['a constant', 'http', http, 'fixed', 'fixed'],
    ['an HTTP header in any case', 'http', http, { header: 'X-Topic' }, 'orders'],
    ['the first of several headers', 'http', http, { header: 'x-list' }, 'a'],
    ['a query parameter, decoded', 'http', http, { query: 'tenant' }, 't 1'],
    ['a number of the body', 'http', http, { pointer: '/order/id' }, '4711'],
    ['a boolean of the body', 'http', http, { pointer: '/order/open' }, 'true'],
    ['an escaped pointer', 'http', http, { pointer: '/a~1b' }, 'x'],
    ['a level of the topic', 'mqtt', mqtt, { topicLevel: 1 }, 'd7'],
    ['the last level of the topic', 'mqtt', mqtt, { topicLevel: -1 }, 'temperature'],
    ['a user property', 'mqtt', mqtt, { header: 'Site' }, 'berlin'],
    ['the key of the record', 'kafka', kafka, { kafkaKey: true }, 'k1'],
    ['a header of the record', 'kafka', kafka, { header: 'tenant' }, 't1'],
    ['a default', 'http', http, { header: 'x-none', default: 'd' }, 'd'],
    ['a default for an empty value', 'http', http, { header: 'x-empty', default: 'd' }, 'd'],
    ['nothing where it is optional', 'http', http, { query: 'x', optional: true }, undefined],
  ])('takes %s', (_what, kind, input, subject, expected) => {
    expect(Value.Check(MappingSchema, { subject })).toBe(true)
    const compiled = compileMapping({ subject } as Mapping, kind)
    expect(compiled.map(input).subject).toBe(expected)
    expect(compiled.field(input, 'subject')).toBe(expected)
    expect(compiled.field(input, 'type')).toBeUndefined()
  })

  it.each<[string, 'http' | 'mqtt' | 'kafka', MappingInput, Mapping['subject'], RegExp]>([
    ['a header', 'http', http, { header: 'X-None' }, /"partitionkey".*nothing.*header "X-None".*no default/],
    ['a prototype member', 'http', http, { header: 'constructor' }, /nothing was found/],
    ['a query parameter', 'http', { body }, { query: 'q' }, /query parameter "q"/],
    ['a pointer', 'http', http, { pointer: '/order/none' }, /JSON pointer "\/order\/none"/],
    ['a list', 'http', http, { pointer: '/order/list' }, /nothing was found/],
    ['a topic level', 'mqtt', mqtt, { topicLevel: 3 }, /topic level 3/],
    ['the record key', 'kafka', { body, key: null }, { kafkaKey: true }, /the record key/],
    ['a body that is no JSON', 'http', { body: Buffer.from('x') }, { pointer: '/a' }, /the body is not JSON/],
    ['a body that is too large', 'http', { body: Buffer.alloc(65537, 0x20) }, { pointer: '/a' }, /larger than 65536/],
    ['a value no attribute can have', 'http', http, { pointer: '/bad' }, /control character/],
  ])('fails with field and place when it finds nothing: %s', (_what, kind, input, partitionkey, message) => {
    const error = errorOf(() => compileMapping({ partitionkey } as Mapping, kind).map(input))
    expect(error.code).toBe('SLUICE_EVENTS_MAPPING')
    expect(error.message).toMatch(message)
    expect(error.details['field']).toBe('partitionkey')
  })

  it('sets extensions, and knows whether it looks at anything', () => {
    const compiled = compileMapping(
      { type: 't', extensions: { site: { header: 'Site' }, gone: { header: 'No', optional: true } } },
      'mqtt',
    )
    expect(compiled.map(mqtt)).toEqual({ type: 't', extensions: { site: 'berlin' } })
    expect(compiled.field(mqtt, 'site')).toBe('berlin')
    expect([compiled.isConstant, compiled.usesBody]).toEqual([false, false])
    const fixed = compileMapping({ type: 't', extensions: { site: 'x' } }, 'mqtt')
    expect([fixed.isConstant, fixed.map(mqtt)]).toEqual([true, { type: 't', extensions: { site: 'x' } }])
    expect(compileMapping({ id: { pointer: '/a' } }, 'http').usesBody).toBe(true)
  })

  it('parses the body once, however many pointers there are', () => {
    const compiled = compileMapping({ subject: { pointer: '/order/id' }, partitionkey: { pointer: '/a~1b' } }, 'http')
    expect(compiled.map(http)).toEqual({ subject: '4711', partitionkey: 'x' })
  })

  it.each<[string, Mapping, 'http' | 'mqtt' | 'kafka', RegExp]>([
    ['the key in HTTP', { id: { kafkaKey: true } }, 'http', /"id" uses kafkaKey, which HTTP messages do not have/],
    ['a topic level in Kafka', { id: { topicLevel: 0 } }, 'kafka', /topicLevel, which Kafka/],
    ['a query in MQTT', { id: { query: 'x' } }, 'mqtt', /query, which MQTT/],
    ['a bad pointer', { id: { pointer: 'x' } }, 'http', /invalid JSON pointer/],
    ['a bad constant', { source: 'a b' }, 'http', /no URI-reference/],
    ['a bad default', { time: { header: 'x', default: 'noon' } }, 'http', /RFC 3339/],
    ['an empty constant', { type: '' }, 'http', /must not be empty/],
    ['a core attribute as extension', { extensions: { id: 'x' } }, 'http', /extensions.id/],
    ['a bad extension name', { extensions: { 'x-y': 'x' } }, 'http', /no attribute name/],
  ])('is refused when it is made for %s', (_what, mapping, kind, message) => {
    const error = errorOf(() => compileMapping(mapping, kind))
    expect(error.code).toBe('SLUICE_CONFIG_INVALID')
    expect(error.message).toMatch(message)
  })

  it.each([
    { subject: { header: 'x', query: 'y' } },
    { subject: 5 },
    { unknown: 'x' },
    { subject: { kafkaKey: false } },
    { extensions: { 'A-b': 'x' } },
  ])('has a schema that refuses %j', mapping => expect(Value.Check(MappingSchema, mapping)).toBe(false))
})

function errorOf(step: () => unknown): SluiceError {
  try {
    step()
  } catch (thrown) {
    if (thrown instanceof SluiceError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}
