import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { RecordCollector, recordOf } from '../../conformance/record-collector.ts'
import { LogDirectory } from './log-directory.ts'

/** What the log should be: lists of values, and a position for each group. */
interface Model {
  readonly values: string[][]
  readonly committed: Map<string, number[]>
}

interface Real {
  readonly directory: LogDirectory
  log: EmbeddedLog
  readonly groups: Map<string, RecordCollector>
  next: number
}

type Command = fc.AsyncCommand<Model, Real>

const partitions = [0, 1, 2]
const options = { partitionCount: 3, segmentBytes: 1_500, tailCacheBytes: 0, retentionMs: null } as const
const always = { check: (): boolean => true }

const append = fc
  .array(fc.record({ partition: fc.constantFrom(...partitions), sizes: fc.array(fc.nat(400), { maxLength: 4 }) }), {
    maxLength: 6,
  })
  .map((calls): Command => ({
    ...always,
    toString: () => `append ${JSON.stringify(calls)}`,
    async run(model, real) {
      await Promise.all(
        calls.map(async ({ partition, sizes }) => {
          const values = sizes.map(size => `${real.next++}`.padEnd(size, '.'))
          const expected = model.values[partition]!.length
          model.values[partition]!.push(...values)
          expect(
            await real.log.append(
              partition,
              values.map(value => recordOf(value)),
            ),
          ).toBe(expected)
        }),
      )
    },
  }))

const group = fc.constantFrom('one', 'two')

const subscribe = group.map((name): Command => ({
  check: () => true,
  toString: () => `subscribe ${name}`,
  async run(model, real) {
    if (real.groups.has(name)) return
    if (!model.committed.has(name)) model.committed.set(name, [0, 0, 0])
    real.groups.set(name, await RecordCollector.subscribe(real.log, name, 'earliest'))
  },
}))

const readAndCommit = fc
  .tuple(group, fc.array(fc.nat(100), { minLength: 3, maxLength: 3 }))
  .map(([name, shares]): Command => ({
    check: model => model.committed.has(name),
    toString: () => `commit ${name} ${shares.join()}`,
    async run(model, real) {
      const collector = real.groups.get(name)
      if (collector === undefined) return
      const starts = collector.assignments[0]!.partitions.map(({ position }) => position)
      await collector.until(() =>
        partitions.every(p => collector.of(p).length === model.values[p]!.length - starts[p]!),
      )
      for (const partition of partitions) {
        expect(collector.values(partition)).toEqual(model.values[partition]!.slice(starts[partition]))
        const offset = Math.floor((model.values[partition]!.length * shares[partition]!) / 100)
        await collector.commit(partition, offset)
        model.committed.get(name)![partition] = offset
      }
      expect(collector.violations).toEqual([])
      expect(collector.anomalies).toEqual([])
    },
  }))

const pauseOrResume = fc.tuple(group, fc.subarray(partitions), fc.boolean()).map(([name, some, isPause]): Command => ({
  ...always,
  toString: () => `${isPause ? 'pause' : 'resume'} ${name} ${some.join()}`,
  async run(_model, real) {
    const collector = real.groups.get(name)
    collector?.pause(...some)
    if (!isPause) await new Promise(resolve => setImmediate(resolve))
    // Reading what is expected needs everything resumed; the pause stands for a moment of it.
    collector?.resume(...some)
  },
}))

const reopen = fc.constant<Command>({
  ...always,
  toString: () => 'reopen',
  async run(model, real) {
    await real.log.close()
    real.groups.clear()
    real.log = await real.directory.open(options)
    expect((await real.log.ends()).map(({ end }) => end)).toEqual(model.values.map(values => values.length))
    for (const [name, offsets] of model.committed)
      expect(partitions.map(partition => offsets[partition])).toEqual(
        await real.log.committed(name).then(held => partitions.map(partition => held.get(partition))),
      )
  },
})

const browse = fc
  .tuple(fc.constantFrom(...partitions), fc.nat(30), fc.nat(10))
  .map(([partition, from, limit]): Command => ({
    ...always,
    toString: () => `browse ${partition} ${from} ${limit}`,
    async run(model, real) {
      const records = await real.log.browse(partition, from, limit)
      expect(records.map(({ value }) => value!.toString())).toEqual(model.values[partition]!.slice(from, from + limit))
    },
  }))

it('behaves like lists with positions, whatever is done in whatever order', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([append, append, subscribe, readAndCommit, pauseOrResume, reopen, browse], { maxCommands: 30 }),
      async commands => {
        await using directory = await LogDirectory.create()
        const log = await directory.open(options)
        const model: Model = { values: [[], [], []], committed: new Map() }
        await fc.asyncModelRun(() => ({ model, real: { directory, log, groups: new Map(), next: 0 } }), commands)
      },
    ),
    { numRuns: 60 },
  )
})
