import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { AppendRecord } from '../../src/log/log-record.ts'
import type { PartitionLog, Subscription } from '../../src/log/partition-log.ts'
import { numbered, RecordCollector, recordOf, recordsOf } from './record-collector.ts'

/** One log under test, with a fresh and empty stream. */
export interface PartitionLogFixture {
  readonly log: PartitionLog
  /** Closes the log and opens it again on the same data, as a new process would. The old one must not be used. */
  reopen(): Promise<PartitionLog>
  /** Closes what is open and removes the data. */
  close(): Promise<void>
}

export interface PartitionLogSuiteOptions {
  open(options: { readonly partitionCount: number }): Promise<PartitionLogFixture>
  /** Tests that cannot hold for this log, by exact title, each with its reason. */
  readonly skip?: readonly { readonly test: string; readonly reason: string }[]
}

/** What every {@link PartitionLog} promises; run by each implementation. */
export function partitionLogSuite(name: string, options: PartitionLogSuiteOptions): void {
  const skipped = new Map((options.skip ?? []).map(({ test, reason }) => [test, reason]))
  const open: PartitionLogFixture[] = []

  async function fixtureOf(partitionCount = 3): Promise<PartitionLogFixture> {
    const fixture = await options.open({ partitionCount })
    open.push(fixture)
    return fixture
  }

  function test(title: string, run: () => Promise<void>): void {
    const reason = skipped.get(title)
    skipped.delete(title)
    if (reason === undefined) it(title, run)
    else it.skip(`${title} (skipped: ${reason})`, run)
  }

  describe(`${name} as a partition log`, () => {
    afterEach(async () => {
      for (const fixture of open.splice(0)) await fixture.close()
    })

    describe('appending', () => {
      test('resolves with the offset of the first record, counting from zero per partition', async () => {
        const { log } = await fixtureOf()
        expect(await log.append(0, [recordOf('a')])).toBe(0)
        expect(await log.append(0, [recordOf('b'), recordOf('c')])).toBe(1)
        expect(await log.append(0, [recordOf('d')])).toBe(3)
        expect(await log.append(2, [recordOf('e')])).toBe(0)
        expect(await log.ends()).toEqual([
          { low: 0, end: 4 },
          { low: 0, end: 0 },
          { low: 0, end: 1 },
        ])
      })

      test('keeps concurrent calls in call order', async () => {
        const { log } = await fixtureOf()
        const offsets = await Promise.all(numbered('v', 600).map((value, i) => log.append(i % 3, [recordOf(value)])))
        expect(offsets).toEqual(offsets.map((_, i) => Math.floor(i / 3)))
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await group.count(600)
        for (const partition of [0, 1, 2])
          expect(group.values(partition)).toEqual(numbered('v', 600).filter((_, i) => i % 3 === partition))
        expect(group.violations).toEqual([])
      })

      test('gives back keys, headers and values byte by byte, empty and null ones too', async () => {
        const { log, reopen } = await fixtureOf(1)
        const all = Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i))
        const cases: AppendRecord[] = [
          { key: all, header: all, value: all },
          { key: null, header: Buffer.from('h'), value: Buffer.from('no key') },
          { key: Buffer.from('empty value'), header: Buffer.from('h'), value: Buffer.alloc(0) },
          { key: Buffer.from('é'), header: randomBytes(2_000), value: randomBytes(10_000) },
        ]
        await log.append(0, cases)
        const contents = async (reader: PartitionLog): Promise<unknown> =>
          (await reader.browse(0, 0, 10)).map(({ key, header, value }) => ({ key, header, value }))
        expect(await contents(log)).toEqual(cases)
        expect(await contents(await reopen())).toEqual(cases)
      })

      test('takes a record of one mebibyte', async () => {
        const { log } = await fixtureOf(1)
        const value = randomBytes(1_048_576 - 4_096)
        await log.append(0, [recordOf('before')])
        await log.append(0, [{ key: null, header: Buffer.from('h'), value }])
        await log.append(0, [recordOf('after')])
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await group.count(3)
        expect(group.values(0)).toEqual(['before', value.toString('latin1'), 'after'])
      })

      test('stamps records with the wall clock', async () => {
        const { log } = await fixtureOf(1)
        const before = Date.now()
        await log.append(0, [recordOf('a')])
        const [record] = await log.browse(0, 0, 1)
        expect(record!.timestampMs).toBeGreaterThanOrEqual(before)
        expect(record!.timestampMs).toBeLessThanOrEqual(Date.now())
      })

      test('does not see later changes of a buffer whose append has resolved', async () => {
        const { log } = await fixtureOf(1)
        const value = Buffer.from('original')
        await log.append(0, [{ key: null, header: Buffer.from('h'), value }])
        value.fill(0)
        const [record] = await log.browse(0, 0, 1)
        expect(record!.value!.toString()).toBe('original')
      })

      test('rejects after close', async () => {
        const { log } = await fixtureOf(1)
        await log.close()
        await expect(log.append(0, [recordOf('late')])).rejects.toMatchObject({ code: 'SLUICE_LOG_CLOSED' })
      })
    })

    describe('starting a group', () => {
      test('at the earliest record', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('old', 3))
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await log.append(0, [recordOf('new')])
        await group.count(4)
        expect(group.values(0)).toEqual(['old0', 'old1', 'old2', 'new'])
        expect(group.of(0).map(record => record.offset)).toEqual([0, 1, 2, 3])
      })

      test('at the end', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('old', 3))
        const group = await RecordCollector.subscribe(log, 'g', 'latest')
        await log.append(0, [recordOf('new')])
        await group.count(1)
        expect(group.of(0)).toMatchObject([{ offset: 3, value: 'new' }])
      })

      test('at an offset', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('v', 5))
        const group = await RecordCollector.subscribe(log, 'g', { offset: 3 })
        await group.count(2)
        expect(group.values(0)).toEqual(['v3', 'v4'])
      })

      test('at the first record of a time or later', async () => {
        const { log } = await fixtureOf(2)
        await log.append(0, recordsOf('old', 3))
        const timestampMs = await nextMillisecond()
        await log.append(0, recordsOf('new', 2))
        const group = await RecordCollector.subscribe(log, 'g', { timestampMs })
        await log.append(1, [recordOf('other')])
        await group.count(3)
        expect(group.values(0)).toEqual(['new0', 'new1'])
        expect(group.values(1)).toEqual(['other'])
      })

      test('is a written position: a group that starts at the end misses nothing while it is away', async () => {
        const { log, reopen } = await fixtureOf(1)
        await log.append(0, [recordOf('old')])
        const first = await RecordCollector.subscribe(log, 'g', 'latest')
        expect(await log.committed('g')).toEqual(new Map([[0, 1]]))
        await first.subscription.close()
        await log.append(0, [recordOf('while away')])
        const again = await RecordCollector.subscribe(await reopen(), 'g', 'latest')
        await again.count(1)
        expect(again.values(0)).toEqual(['while away'])
      })
    })

    describe('committing', () => {
      test('makes a group go on after its committed offset when the log is opened again', async () => {
        const { log, reopen } = await fixtureOf(2)
        await log.append(0, recordsOf('v', 10))
        const first = await RecordCollector.subscribe(log, 'g', 'earliest')
        await first.count(10)
        await first.commit(0, 4)
        await first.commit(0, 7)
        expect((await log.committed('g')).get(0)).toBe(7)
        const reopened = await reopen()
        expect((await reopened.committed('g')).get(0)).toBe(7)
        const again = await RecordCollector.subscribe(reopened, 'g', 'earliest')
        expect(again.assignments.flatMap(({ partitions }) => partitions)).toContainEqual({ partition: 0, position: 7 })
        await again.count(3)
        expect(again.values(0)).toEqual(['v7', 'v8', 'v9'])
      })

      test('is what makes records final: uncommitted ones come again', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('v', 5))
        const first = await RecordCollector.subscribe(log, 'g', 'earliest')
        await first.count(5)
        await first.subscription.close()
        const again = await RecordCollector.subscribe(log, 'g', 'latest')
        await again.count(5)
        expect(again.values(0)).toEqual(numbered('v', 5))
      })

      test('with a foreign epoch changes nothing', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('v', 5))
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await group.count(5)
        await group.commit(0, 2)
        const { epoch } = group.owned.get(0)!
        await group.subscription.commit(epoch - 1, new Map([[0, 5]]))
        await group.subscription.commit(epoch + 1, new Map([[0, 4]]))
        expect((await log.committed('g')).get(0)).toBe(2)
      })

      test('keeps groups apart', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('v', 4))
        const [one, two] = [
          await RecordCollector.subscribe(log, 'one', 'earliest'),
          await RecordCollector.subscribe(log, 'two', 'earliest'),
        ]
        await Promise.all([one.count(4), two.count(4)])
        await one.commit(0, 3)
        expect((await log.committed('one')).get(0)).toBe(3)
        expect((await log.committed('two')).get(0) ?? 0).toBe(0)
        one.pause(0)
        await log.append(0, [recordOf('more')])
        await two.count(5)
        expect(one.records).toHaveLength(4)
        expect(one.violations).toEqual([])
      })

      test('of a group that never was is empty', async () => {
        const { log } = await fixtureOf(2)
        expect(await log.committed('nobody')).toEqual(new Map())
      })
    })

    describe('pausing', () => {
      test('stops one partition, and resuming goes on without loss or repetition', async () => {
        const { log } = await fixtureOf(2)
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await log.append(0, recordsOf('a', 3))
        await group.count(3)
        group.pause(0)
        await log.append(0, recordsOf('b', 3))
        await log.append(1, recordsOf('other', 3))
        await group.until(() => group.of(1).length === 3)
        expect(group.values(0)).toEqual(numbered('a', 3))
        group.resume(0)
        await group.count(9)
        expect(group.values(0)).toEqual([...numbered('a', 3), ...numbered('b', 3)])
        expect(group.violations).toEqual([])
      })

      test('inside a records call holds from that call on', async () => {
        const { log } = await fixtureOf(2)
        await log.append(0, recordsOf('v', 3_000))
        await log.append(1, [recordOf('other')])
        const held: { subscription?: Subscription } = {}
        const seen: number[] = []
        let paused = false
        let wake = (): void => undefined
        held.subscription = await log.subscribe('g', 'earliest', {
          assigned: () => undefined,
          revoked: () => undefined,
          anomaly: () => undefined,
          fatal: () => undefined,
          records: (_epoch, partition, records) => {
            if (partition !== 0) return
            expect(paused).toBe(false)
            for (const record of records) seen.push(record.offset)
            held.subscription?.pause([0])
            paused = held.subscription !== undefined
            wake()
          },
        })
        while (seen.length < 3_000) {
          const before = seen.length
          paused = false
          held.subscription.resume([0])
          if (seen.length === before) await new Promise<void>(resolve => (wake = resolve))
        }
        expect(seen).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
      })

      test('many times under load loses and repeats nothing', async () => {
        const { log } = await fixtureOf(2)
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        const appends: Promise<number>[] = []
        for (let i = 0; i < 100; i++) {
          if (i % 2 === 0) group.pause(0, 1)
          else group.resume(0, 1)
          appends.push(
            ...numbered(`v${i}-`, 20).map((value, n) => group.guard(() => log.append(n % 2, [recordOf(value)]))),
          )
          if (i % 5 === 0) await appends.at(-1)
        }
        await Promise.all(appends)
        group.resume(0, 1)
        await group.count(2_000)
        expect(group.of(0).map(record => record.offset)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
        expect(group.of(1).map(record => record.offset)).toEqual(Array.from({ length: 1_000 }, (_, i) => i))
        expect(group.violations).toEqual([])
      })
    })

    describe('looking', () => {
      test('reads a range outside of any group', async () => {
        const { log } = await fixtureOf(2)
        await log.append(0, recordsOf('v', 10))
        const read = async (from: number, limit: number): Promise<string[]> =>
          (await log.browse(0, from, limit)).map(record => record.value!.toString())
        expect(await read(0, 3)).toEqual(['v0', 'v1', 'v2'])
        expect(await read(8, 5)).toEqual(['v8', 'v9'])
        expect(await read(10, 5)).toEqual([])
        expect(await log.browse(1, 0, 5)).toEqual([])
        expect(await log.committed('g')).toEqual(new Map())
      })
    })

    describe('ending', () => {
      test('a subscription calls no handler after it closed', async () => {
        const { log } = await fixtureOf(1)
        await log.append(0, recordsOf('v', 50))
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        const other = await RecordCollector.subscribe(log, 'other', 'earliest')
        await group.subscription.close()
        const calls = group.calls
        await log.append(0, [recordOf('after')])
        await other.count(51)
        expect(group.calls).toBe(calls)
      })

      test('a log calls no handler after it closed, and closing twice is harmless', async () => {
        const { log } = await fixtureOf(1)
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await log.append(0, recordsOf('v', 50))
        await log.close()
        const calls = group.calls
        await log.close()
        await new Promise(resolve => setImmediate(resolve))
        expect(group.calls).toBe(calls)
      })

      test('keeps every acknowledged record and offset for the next opening', async () => {
        const { log, reopen } = await fixtureOf(2)
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        const values = numbered('v', 200)
        await Promise.all(values.map((value, i) => log.append(i % 2, [recordOf(value)])))
        await group.count(200)
        await group.commit(1, 60)
        const reopened = await reopen()
        expect(await reopened.ends()).toMatchObject([{ end: 100 }, { end: 100 }])
        expect(await reopened.append(0, [recordOf('next')])).toBe(100)
        const again = await RecordCollector.subscribe(reopened, 'g', 'latest')
        await again.count(141)
        expect(again.values(0)).toEqual([...values.filter((_, i) => i % 2 === 0), 'next'])
        expect(again.values(1)).toEqual(values.filter((_, i) => i % 2 === 1).slice(60))
      })
    })

    describe('moving a group that does not read', () => {
      test('is durable, back as well as forward, and leaves partitions alone that are not named', async () => {
        const { log, reopen } = await fixtureOf(3)
        for (const partition of [0, 1, 2]) await log.append(partition, recordsOf(`p${partition}-`, 10))
        const group = await RecordCollector.subscribe(log, 'g', 'earliest')
        await group.count(30)
        for (const partition of [0, 1, 2]) await group.commit(partition, 6)
        await group.subscription.close()
        const moves = new Map([
          [0, 2],
          [1, 10],
        ])
        expect(await log.positionsAt('latest')).toEqual([10, 10, 10])
        expect(await log.positionsAt({ offset: 4 })).toEqual([4, 4, 4])
        expect(await log.seek('g', moves)).toEqual([])
        const places = new Map([...moves, [2, 6]])
        expect(await log.committed('g')).toEqual(places)
        const reopened = await reopen()
        expect(await reopened.committed('g')).toEqual(places)
        const again = await RecordCollector.subscribe(reopened, 'g', 'latest')
        await again.count(12)
        expect([again.values(0).length, again.values(1).length, again.values(2).length]).toEqual([8, 0, 4])
      })
    })

    it('is given by an implementation with valid skips', async () => {
      expect([...skipped.keys()]).toEqual([])
    })
  })
}

/** Waits until the wall clock has moved on from every record so far, and says what it shows then. */
async function nextMillisecond(): Promise<number> {
  const from = Date.now()
  while (Date.now() <= from + 1) await new Promise(resolve => setTimeout(resolve, 1))
  return Date.now()
}
