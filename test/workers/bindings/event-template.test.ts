import { describe, expect, it } from 'vitest'
import { compileEventTemplate } from '../../../src/workers/bindings/event-template.ts'
import { HandlerEvent } from '../../../src/workers/event-object.ts'
import { encodeFrame, FrameReader } from '../../../src/workers/frame-codec.ts'
import { invocationOf } from '../worker-fixtures.ts'

function eventOf(data: unknown, contentType = 'application/json'): HandlerEvent {
  const frame = encodeFrame([invocationOf(data, { contentType })], { high: 1, low: 2 }, false)
  const reader = new FrameReader(frame.buffer as ArrayBuffer)
  return new HandlerEvent(reader, reader.head(0))
}

const filled = (template: string, event: HandlerEvent | string): string =>
  compileEventTemplate(template, 'binding x: path', value => `<${value}>`).fill(event)

describe('a template', () => {
  it('takes attributes, extensions and members of the body', () => {
    const event = eventOf({ user: 'u1', a: { b: [{ c: 7 }] }, ok: false })
    expect(filled('users/{event.data.user}/{event.data.a.b.0.c}?{event.data.ok}', event)).toBe('users/<u1>/<7>?<false>')
    expect(filled('{event.subject}-{event.type}-{event.partitionkey}-{event.tenant}-{event.level}', event)).toBe(
      '<subject>-<test.probe>-<key-1>-<a>-<3>',
    )
    expect(filled('{event.id}', event)).toMatch(/^<event-\d+>$/)
    expect(filled('constant', 'no event')).toBe('constant')
  })

  it.each([
    ['{event.data.none}', {}, 'the event does not have it'],
    ['{event.data.a.b}', { a: 'text' }, 'the event does not have it'],
    ['{event.data.length}', 'text', 'the event does not have it'],
    ['{event.data.constructor.name}', {}, 'the event does not have it'],
    ['{event.data.__proto__}', {}, 'the event does not have it'],
    ['{event.data.a}', { a: null }, 'the event does not have it'],
    ['{event.data.a}', { a: '' }, 'the event does not have it'],
    ['{event.data.a}', { a: [1] }, 'its value is an array, not a text'],
    ['{event.data.a}', { a: {} }, 'its value is a object, not a text'],
    ['{event.absent}', {}, 'the event does not have it'],
  ])('%s of %j is an error', (template, data, message) => {
    const error = `binding x: path: ${template} cannot be filled: ${message}`
    expect(() => filled(template, eventOf(data))).toThrow(error)
  })

  it('says why there is no event', () => {
    expect(() => filled('{event.id}', 'init() has no event')).toThrow(
      '{event.id} cannot be filled: init() has no event',
    )
  })

  it('tells of a body that is none', () => {
    expect(() => filled('{event.data.a}', eventOf(Buffer.from('{oops')))).toThrow(/JSON/)
    expect(() => filled('{event.data.a}', eventOf(Buffer.from('text'), 'text/plain'))).toThrow('does not have it')
  })

  it.each([
    ['{subject}', '{subject} is no placeholder; write {event.subject}'],
    ['{event.data}', '{event.data} is no placeholder'],
    ['{event.data.}', '{event.data.} is no placeholder'],
    ['{event.data.a..b}', 'is no placeholder'],
    ['{event.Subject}', 'is no placeholder'],
    ['a}b', 'a brace has no counterpart'],
    ['{event.{id}}', 'is no placeholder'],
  ])('cannot be %s', (template, message) => {
    expect(() => compileEventTemplate(template, 'binding x: path', value => value)).toThrow(message)
  })
})
