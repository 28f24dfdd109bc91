import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DeduplicationIndex } from '../../src/sources/deduplication-index.ts'

const at = (offset: number) => ({ partition: 0, offset })

describe('the deduplication index', () => {
  it('knows an id for the whole window and forgets it before twice the window', () => {
    const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 100 }, 0)
    index.add('a', at(7), 10)
    expect(index.find('a', 1010)).toEqual(at(7))
    expect(index.find('a', 2010)).toBeUndefined()
  })

  it('forgets everything after a long silence', () => {
    const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 100 }, 0)
    index.add('a', at(1), 10)
    expect(index.find('a', 1_000_000)).toBeUndefined()
    expect(index.size).toBe(0)
  })

  it('does not count the time in which nobody was there', () => {
    const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 100 }, 0)
    index.add('a', at(1), 400)
    index.resume(500, 1_000_000)
    expect(index.find('a', 1_000_899)).toEqual(at(1))
    expect(index.find('a', 1_002_000)).toBeUndefined()
  })

  it('holds no more than maxEntries, and always the last half of them', () => {
    const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 10 }, 0)
    for (let i = 0; i < 1000; i++) index.add(`id-${i}`, at(i), 1)
    expect(index.size).toBeLessThanOrEqual(10)
    for (let i = 995; i < 1000; i++) expect(index.find(`id-${i}`, 1)).toEqual(at(i))
  })

  it('survives a clock that is set back', () => {
    const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 10 }, 10_000)
    index.add('a', at(1), 10_000)
    expect(index.find('a', 5000)).toEqual(at(1))
    expect(index.find('a', 5000 + 2000)).toBeUndefined()
  })

  it('agrees with a model: known within the window, unknown beyond twice the window', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 0, max: 5 })), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, walk => {
        const index = new DeduplicationIndex({ windowMs: 1000, maxEntries: 1000 }, 0)
        const added = new Map<string, number>()
        let nowMs = 0
        walk.forEach(([pauseMs, number], offset) => {
          nowMs += pauseMs
          const id = `id-${number}`
          const addedMs = added.get(id)
          const found = index.find(id, nowMs)
          if (addedMs !== undefined && nowMs - addedMs < 1000) expect(found).toBeDefined()
          if (addedMs === undefined || nowMs - addedMs >= 2000) expect(found).toBeUndefined()
          if (found === undefined) {
            index.add(id, at(offset), nowMs)
            added.set(id, nowMs)
          }
        })
      }),
    )
  })
})
