import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeEventHeader } from '../../src/events/event-header-codec.ts'
import type { EventMoment } from '../../src/store/event-moment.ts'
import { isFailure, searchMoments, type ReadChunks } from '../../src/store/moment-search.ts'
import type { MomentQuery } from '../../src/store/recent-events.ts'
import { arbitraryMoment, chunkOf, doneAt, traceOf } from './arbitrary-moments.ts'

interface Kept {
  readonly isNotable: boolean
  readonly moments: readonly EventMoment[]
}

/** Chunks as the file has them: what failed is among the notable ones. */
const arbitraryChunks: fc.Arbitrary<readonly Kept[]> = fc
  .array(fc.array(arbitraryMoment, { minLength: 1, maxLength: 6 }), { maxLength: 6 })
  .map(chunks => chunks.map(moments => ({ isNotable: moments.some(isFailure), moments })))

const readerOf =
  (chunks: readonly Kept[]): ReadChunks =>
  ({ sinceMs, fromId, maxId, notableOnly }) =>
    chunks
      .map(({ isNotable, moments }, index) => ({ id: index + 1, ...chunkOf(moments, isNotable) }))
      .filter(
        ({ id, isNotable, toMs }) => id <= maxId && (toMs >= sinceMs || id >= fromId) && (isNotable || !notableOnly),
      )
      .map(({ id, data }) => ({ id, data: Buffer.from(data) }))
      .reverse()

const nameOf = ({ stream, partition, offset }: { stream: string; partition: number; offset: number }): string =>
  `${stream}/${partition}/${offset}`

const headerOf = ({ header }: EventMoment) =>
  header === undefined ? undefined : decodeEventHeader(Buffer.from(header))

/** The same question, answered by looking at everything. */
function expected(chunks: readonly Kept[], query: MomentQuery): Set<string> {
  const { wanted, stream, trigger, failed, fromMs = 0, toMs = Infinity } = query
  const names = new Set<string>()
  for (const moment of chunks.flatMap(({ moments }) => moments)) {
    if (stream !== undefined && moment.stream !== stream) continue
    if (trigger !== undefined && moment.trigger !== trigger) continue
    if (failed === true && !isFailure(moment)) continue
    if (moment.atMs < fromMs || moment.atMs >= toMs) continue
    const header = headerOf(moment)
    if (wanted.kind === 'id' && header?.id !== wanted.value) continue
    if (wanted.kind === 'key' && header?.partitionkey !== wanted.value) continue
    if (wanted.kind === 'trace' && header?.traceparent?.slice(3, 35) !== wanted.value) continue
    if (wanted.kind === 'place' && nameOf(moment) !== nameOf(wanted.place)) continue
    names.add(nameOf(moment))
  }
  return names
}

const arbitraryQuery: fc.Arbitrary<MomentQuery> = fc.record(
  {
    wanted: fc.oneof(
      fc.constantFrom('a', 'b').map(value => ({ kind: 'id' as const, value })),
      fc.constantFrom('k1', 'ä').map(value => ({ kind: 'key' as const, value })),
      fc.nat(3).map(number => ({ kind: 'trace' as const, value: traceOf(number) })),
      fc.constant({ kind: 'newest' as const }),
    ),
    stream: fc.constantFrom('orders', 'users'),
    trigger: fc.constantFrom('price', 'audit'),
    failed: fc.boolean(),
    fromMs: fc.nat(1e6),
    toMs: fc.nat(1e6),
    limit: fc.integer({ min: 1, max: 5 }),
  },
  { requiredKeys: ['wanted', 'limit'] },
)

describe('a search of moments', () => {
  it('finds, page by page, each event that is asked for, once, and no other', () => {
    fc.assert(
      fc.property(arbitraryChunks, arbitraryQuery, (chunks, query) => {
        const read = readerOf(chunks)
        const names: string[] = []
        let before: number | null = Number.MAX_SAFE_INTEGER
        while (before !== null) {
          const page: ReturnType<typeof searchMoments> = searchMoments(read, { ...query, before })
          names.push(...page.events.map(nameOf))
          expect(page.events.length).toBeLessThanOrEqual(query.limit)
          if (page.next !== null) expect(page.next).toBeLessThan(before)
          before = page.next
        }
        expect(names.sort()).toEqual([...expected(chunks, query)].sort())
      }),
      { numRuns: 500 },
    )
  })

  it('does not tell an event on a later page again because of what happened to it before', () => {
    const chunks = [[doneAt(1, 7)], [doneAt(2, 8)], [doneAt(3, 7)]].map(moments => ({ isNotable: false, moments }))
    const page = (before?: number) =>
      searchMoments(readerOf(chunks), { wanted: { kind: 'newest' }, limit: 1, ...(before ? { before } : {}) })
    const first = page()
    const second = page(first.next ?? undefined)
    expect(first.events[0]).toMatchObject({ offset: 7, moments: [{ atMs: 1 }, { atMs: 3 }] })
    expect(second.events.map(({ offset }) => offset)).toEqual([8])
    expect(page(second.next ?? undefined).events).toEqual([])
  })

  it('tells everything that is known of an event, oldest first', () => {
    fc.assert(
      fc.property(arbitraryChunks, fc.record({ partition: fc.nat(3), offset: fc.nat(20) }), (chunks, at) => {
        const place = { stream: 'orders', ...at }
        const { events } = searchMoments(readerOf(chunks), { wanted: { kind: 'place', place }, limit: 1 })
        const all = chunks.flatMap(({ moments }) => moments).filter(moment => nameOf(moment) === nameOf(place))
        expect(events[0]?.moments ?? []).toEqual(all.toSorted((a, b) => a.atMs - b.atMs))
      }),
    )
  })
})
