import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verdicts, type Verdict } from '../../../src/api/views/why-view.ts'
import type { EventFacts } from '../../../src/gateway/why/event-facts.ts'
import { decideEvent } from '../../../src/gateway/why/event-verdict.ts'
import { eventWords, sentenceOf } from '../../../src/gateway/why/sentence.ts'
import { base, closed, complete, dueAtMs, failed, head, held, notTaken, paused, subject, table } from './event-cases.ts'

const words = (facts: EventFacts) => {
  const { name, stream } = facts.trigger
  const about = eventWords('42', facts.key, { stream, partition: 3, offset: facts.offset })
  const subject = { trigger: name, stream, partition: 3, functionRef: 'price@live', order: facts.trigger.ordering }
  return sentenceOf(about, subject, decideEvent(facts))
}

describe('the verdict on an event', () => {
  it.each(table)('is %s for %j', (verdict, more, sentence) => {
    const facts = { ...base, ...more }
    expect(decideEvent(facts).verdict).toBe(verdict)
    expect(words(facts).sentence).toBe(subject + sentence)
  })

  it('is in the table whatever it may be', () => {
    const ofTriggers: Verdict[] = ['idle', 'at-work', 'nothing-waits']
    expect(new Set([...table.map(([verdict]) => verdict), ...ofTriggers])).toEqual(new Set(verdicts))
  })

  it('is one sentence of one line for whatever comes together', () => {
    const some = <Name extends keyof EventFacts>(name: Name) =>
      fc.constantFrom(
        base[name],
        ...table.flatMap(([, more]) => (name in more ? [more[name] as EventFacts[Name]] : [])),
      )
    const facts = fc.record({
      trigger: some('trigger'),
      record: some('record'),
      intake: some('intake'),
      place: some('place'),
      hold: some('hold'),
      committed: fc.constantFrom(undefined, 0, 4711, 4712),
      parked: some('parked'),
      deadLetter: some('deadLetter'),
      redrive: fc.constantFrom(undefined, 3),
      version: some('version'),
    })
    fc.assert(
      fc.property(facts, more => {
        const { sentence } = words({ ...base, ...more })
        expect(sentence.startsWith(subject.trimEnd())).toBe(true)
        expect(sentence).not.toMatch(/undefined|NaN|null|\n/)
      }),
      { numRuns: 2_000 },
    )
  })

  it('says which redrive runs it again, whatever becomes of it, and how to follow that', () => {
    const running = words({ ...base, redrive: 3, place: head({ state: 'running' }, undefined, true) })
    expect(running.sentence).toBe(
      `${subject.trimEnd()}, which redrive 3 runs again, is running in price@3: attempt 1 of 5`,
    )
    expect(running.next).toBe('sluice dead-letters watch price-orders 3')
    expect(decideEvent({ ...base, redrive: 3 })).toMatchObject({ verdict: 'no-worker', facts: { redrive: 3 } })
    // What a person could do about a pause comes first.
    const held = words({ ...base, redrive: 3, trigger: closed(paused) })
    expect(held.sentence).toContain('which redrive 3 runs again, waits because price-orders was paused by ada')
    expect(held.next).toBe('sluice resume price-orders')
  })

  it('cuts off what functions say at length, and keeps to one line', () => {
    const long = {
      ...failed,
      offset: 4711,
      lastFailure: { ...failed.lastFailure!, message: `${'x'.repeat(500)}\nmore` },
    }
    const { sentence } = words({ ...base, place: head({ state: 'waiting', dueAtMs }, long) })
    expect(sentence).toContain(`(${'x'.repeat(199)}…)`)
    expect(sentence).not.toContain('\n')
  })

  it('tells what could be done', () => {
    expect(words({ ...base, trigger: closed(paused) }).next).toBe('sluice resume price-orders')
    expect(words({ ...base, hold: held }).next).toBe('sluice resume key price-orders c7')
    const odd = { ...held, target: "key price-orders it's $HOME" }
    expect(words({ ...base, hold: odd }).next).toBe("sluice resume key price-orders 'it'\\''s $HOME'")
    expect(words({ ...base, trigger: closed({ kind: 'disabled', problem: 'function price is disabled' }) }).next).toBe(
      'sluice functions enable price',
    )
    expect(words({ ...base, trigger: closed({ kind: 'disabled', problem: 'the trigger is disabled' }) }).next).toBe(
      'sluice triggers update price-orders --enabled',
    )
    expect(words({ ...base, place: { ...notTaken, isFull: true } }).next).toBe(
      'sluice why orders/3/4650 tells what holds up the partition',
    )
    expect(words({ ...base, place: complete }).next).toBeNull()
  })
})
