import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineQueue, type LineBatch } from '../../src/store/observations-queue.ts'
import { logLine, messagesOf, numbered } from './observations-lines.ts'

const allKept = ({ lines }: LineBatch): number[] => lines.map((_, index) => index + 1)

/** Takes and gives back until nothing waits. */
function drain(queue: LineQueue): string[] {
  const messages: string[] = []
  for (let batch = queue.take(5); batch !== undefined; batch = queue.take(5)) {
    messages.push(...messagesOf(batch.lines))
    queue.done(batch, allKept(batch))
  }
  return messages
}

describe('the queue of log lines', () => {
  it('gives the lines in their order, in batches that do not hold anybody up', () => {
    const queue = new LineQueue()
    queue.add(numbered(1_200))
    const first = queue.take(5)
    expect(first?.lines).toHaveLength(500)
    queue.done(first as LineBatch, allKept(first as LineBatch))
    expect([...messagesOf(first?.lines ?? []), ...drain(queue)]).toEqual(messagesOf(numbered(1_200)))
    expect(queue.isEmpty).toBe(true)
    expect(queue.take(5)).toBeUndefined()
  })

  it('drops what is beyond its bounds, and says once how many for each function', () => {
    const queue = new LineQueue({ maxLines: 3, maxBytes: 1e6 })
    queue.add(numbered(5))
    queue.add([logLine('other', { function: 'tax' })])
    expect(queue.dropped).toBe(3)
    const batch = queue.take(77) as LineBatch
    expect(messagesOf(batch.lines)).toEqual([
      '0',
      '1',
      '2',
      '2 lines were dropped: more came than could be written',
      '1 line was dropped: more came than could be written',
    ])
    expect(batch.lines[4]).toEqual({
      atMs: 77,
      function: 'tax',
      version: '',
      kind: 'lifecycle',
      level: 'warn',
      message: '1 line was dropped: more came than could be written',
    })
    queue.done(batch, allKept(batch))
    queue.add(numbered(1))
    expect(drain(queue)).toEqual(['0'])
  })

  it('counts what is being written against its bounds', () => {
    const queue = new LineQueue({ maxLines: 3, maxBytes: 1e6 })
    queue.add(numbered(3))
    const batch = queue.take(5) as LineBatch
    queue.add(numbered(1))
    expect(queue.dropped).toBe(1)
    queue.done(batch, allKept(batch))
    queue.add(numbered(3))
    expect(queue.dropped).toBe(1)
  })

  it('counts bytes, those of the fields too', () => {
    const queue = new LineQueue({ maxLines: 100, maxBytes: 10_000 })
    queue.add([logLine('a'.repeat(5_000)), logLine('b', { fields: 'c'.repeat(5_000) }), logLine('d')])
    expect(drain(queue).slice(0, 2)).toEqual(['a'.repeat(5_000), 'd'])
    expect(queue.dropped).toBe(1)
    // What is written leaves its room to others.
    queue.add([logLine('e'.repeat(9_000))])
    expect(queue.dropped).toBe(1)
  })

  it('tells again what was told in a line that could not be kept', () => {
    const queue = new LineQueue({ maxLines: 2, maxBytes: 1e6 })
    queue.add(numbered(3))
    const failed = queue.take(5) as LineBatch
    expect(failed.lines).toHaveLength(3)
    queue.done(failed, [])
    expect(queue.dropped).toBe(3)
    queue.add(numbered(1))
    expect(drain(queue)).toEqual(['0', '3 lines were dropped: more came than could be written'])
  })

  it('does not tell before the flood is over', () => {
    const queue = new LineQueue({ maxLines: 1_000, maxBytes: 1e9 })
    queue.add(numbered(1_100))
    const first = queue.take(5) as LineBatch
    expect(first.lines).toHaveLength(500)
    queue.add(numbered(100))
    queue.done(first, allKept(first))
    expect(drain(queue).at(-1)).toBe('200 lines were dropped: more came than could be written')
  })

  it('loses no line without counting it, whatever is taken, kept and refused', () => {
    const steps = fc.array(
      fc.oneof(fc.record({ add: fc.integer({ min: 1, max: 40 }) }), fc.record({ keep: fc.boolean() })),
    )
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 60 }), (given, maxLines) => {
        const queue = new LineQueue({ maxLines, maxBytes: 1e9 })
        let added = 0
        let kept = 0
        let told = 0
        const settle = (keep: boolean): void => {
          const batch = queue.take(5)
          if (batch === undefined) return
          queue.done(batch, keep ? allKept(batch) : [])
          if (!keep) return
          for (const { kind, message } of batch.lines) {
            if (kind === 'console') kept++
            else told += Number.parseInt(message, 10)
          }
        }
        for (const step of given) {
          if ('add' in step) {
            queue.add(numbered(step.add))
            added += step.add
          } else settle(step.keep)
        }
        queue.add(numbered(1))
        added++
        while (!queue.isEmpty) settle(true)
        expect(kept + queue.dropped).toBe(added)
        expect(told).toBe(queue.dropped)
      }),
    )
  })
})
