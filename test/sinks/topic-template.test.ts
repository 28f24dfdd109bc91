import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EventHeader } from '../../src/events/event-header.ts'
import {
  compileTopicTemplate,
  encodeKafkaTopicPart,
  encodeTopicLevel,
  encodeUrlPart,
} from '../../src/sinks/topic-template.ts'

const header = (more: Partial<EventHeader> = {}): EventHeader => ({
  id: 'e1',
  source: '/s',
  type: 'alert',
  acceptedAtMs: 1,
  hops: 0,
  ...more,
})
const same = (value: string): string => value

describe('a topic template', () => {
  it('fills attributes and extensions', () => {
    const template = compileTopicTemplate('alerts/{subject}/{tenant}/{id}', 'sinks.a.topic', encodeTopicLevel)
    expect(template.isConstant).toBe(false)
    expect(template.fill(header({ subject: 'device-7', extensions: { tenant: 42 } }))).toBe('alerts/device-7/42/e1')
  })

  it('is constant without placeholders', () => {
    const template = compileTopicTemplate('alerts/all', 'sinks.a.topic', encodeTopicLevel)
    expect([template.isConstant, template.fill(header())]).toEqual([true, 'alerts/all'])
  })

  it('does not fill a filled value again', () => {
    expect(compileTopicTemplate('{subject}', 'w', same).fill(header({ subject: '{id}$&$1' }))).toBe('{id}$&$1')
  })

  it('says which attribute the event does not have, and where it is asked for', () => {
    const template = compileTopicTemplate('alerts/{subject}', 'sinks.a.topic', encodeTopicLevel)
    expect(() => template.fill(header())).toThrow(/sinks\.a\.topic: \{subject\}/)
    expect(() => template.fill(header({ subject: '' }))).toThrow(/subject/)
  })

  it.each(['{', '}', 'a{b', 'a}b', '{a}}', '{}', '{Subject}', '{a b}', '{__proto__}'])(
    'refuses %s when it is compiled',
    text => {
      expect(() => compileTopicTemplate(text, 'sinks.a.topic', same)).toThrow(/sinks\.a\.topic/)
    },
  )

  it('lets no value choose another branch of an MQTT topic', () => {
    const template = compileTopicTemplate('alerts/{subject}', 'w', encodeTopicLevel)
    for (const subject of ['a/b', '#', '+', 'x/../y', '\0'])
      expect(() => template.fill(header({ subject }))).toThrow(/subject/)
  })

  it('lets no value leave its place in a URL', () => {
    const template = compileTopicTemplate('http://h/a/{subject}?q={type}', 'w', encodeUrlPart)
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), subject => {
        let filled: string
        try {
          filled = template.fill(header({ subject, type: subject }))
        } catch {
          return
        }
        const url = new URL(filled)
        expect(url.host).toBe('h')
        expect(url.pathname.split('/')).toHaveLength(3)
        expect(decodeURIComponent(url.pathname.slice('/a/'.length))).toBe(subject)
        expect(url.searchParams.get('q')).toBe(subject)
      }),
    )
  })

  it('takes only what a Kafka topic can be called', () => {
    expect(encodeKafkaTopicPart('a.b_c-1')).toBe('a.b_c-1')
    expect(() => encodeKafkaTopicPart('a/b')).toThrow()
  })
})
