import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Sink } from '../../src/sinks/sink.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { Invocation, InvocationOutcome } from '../../src/workers/invocation.ts'
import { DispatchFixture } from './dispatch-fixture.ts'
import { failed, succeeded, type Seen } from './scripted-pool.ts'

/*
 * Random histories of a trigger of three versions, against what must hold whatever happens:
 *  - every event succeeds exactly once, or is a dead letter;
 *  - first attempts and successes of a key come in the order of its events;
 *  - no two runs of a key are in workers at a time, on whatever versions;
 *  - every attempt was taken by a version that had a weight above 0 at that moment;
 *  - results leave once, in the order of their key, however often their sink refuses them.
 */

const versions = ['1', '2', '3']
const retry = { maxAttempts: 3, initialDelayMs: 1, maxDelayMs: 4, jitter: 0 }

interface Append {
  readonly kind: 'append'
  readonly key: string
  /** Attempts that fail, 3 use them up. */
  readonly failures: number
  /** Turns of the event loop that an attempt takes. */
  readonly turns: number
  /** Times that the sink refuses its result; undefined: it has none. */
  readonly refusals: number | undefined
}

type Step =
  | Append
  /** Shares of the three versions; none at all when they are all 0. */
  | { readonly kind: 'route'; readonly parts: readonly number[] }
  | { readonly kind: 'restart' }
  | { readonly kind: 'hold' | 'release' | 'pause' | 'resume' }
  | { readonly kind: 'workers'; readonly version: number; readonly count: number }
  | { readonly kind: 'wait'; readonly turns: number }

const append: fc.Arbitrary<Append> = fc.record({
  kind: fc.constant('append'),
  key: fc.constantFrom('a', 'b', 'c', 'd', ''),
  failures: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
  ),
  turns: fc.nat(5),
  refusals: fc.option(fc.constantFrom(0, 0, 1, 2), { nil: undefined }),
})

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: append },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('route' as const),
      parts: fc.array(fc.constantFrom(0, 0, 1, 2, 5), { minLength: 3, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('hold', 'release', 'pause', 'resume') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('workers' as const),
      version: fc.nat(2),
      count: fc.nat(3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.integer({ min: 1, max: 8 }) }) },
)

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

/** One history, and what came of it. */
class Run {
  readonly events: Append[] = []
  readonly problems: string[] = []
  readonly starts: Seen[] = []
  readonly successes: Seen[] = []
  /** Values of the events whose results are out. */
  readonly sent: string[] = []
  readonly #fixture = new DispatchFixture()
  readonly #runningKeys = new Set<string>()
  readonly #refused = new Map<string, number>()
  #weights: readonly number[] = [100, 0, 0]

  async play(steps: readonly Step[], parkAfterMs: number): Promise<void> {
    const fixture = this.#fixture
    const script = (seen: Seen) => this.#attempt(seen)
    await fixture.open(script, { retry, parkAfterMs, parkAtStop: true, sinks: [this.#sink()] })
    for (const name of versions) {
      fixture.addVersion(name, script)
      fixture.poolOf(name).onFrame = frame => this.#checkTaken(name, frame)
    }
    this.#route([100, 0, 0])
    for (const each of steps) await this.#step(each)
    fixture.trigger.release()
    fixture.trigger.resume()
    for (const name of versions) fixture.poolOf(name).setWorkers(2)
    this.#route([50, 30, 20])
    while (!this.#isDone) await turn()
    await fixture.trigger.stop(60_000)
    for (const partition of [0, 1]) {
      const appended = this.events.filter(({ key }) => partitionOf(key) === partition).length
      if ((await fixture.committed(partition)) !== appended) this.problems.push('not all is committed')
    }
  }

  async deadIds(): Promise<string[]> {
    return (await this.#fixture.store.listDeadLetters('t', 1_000)).map(({ eventId }) => eventId)
  }

  dispose(): Promise<void> {
    return this.#fixture.dispose()
  }

  get #isDone(): boolean {
    return this.#fixture.trigger.parkedKeys === 0 && new Set(this.#fixture.done.map(idOf)).size === this.events.length
  }

  async #step(each: Step): Promise<void> {
    const fixture = this.#fixture
    const pause = { reason: 'test', by: 'model', sinceMs: 1 }
    switch (each.kind) {
      case 'append':
        this.events.push(each)
        await fixture.append(each.key, String(this.events.length - 1), partitionOf(each.key))
        return
      case 'route': {
        const sum = each.parts.reduce((a, b) => a + b, 0)
        return this.#route(each.parts.map(part => (sum === 0 ? 0 : (part * 100) / sum)))
      }
      case 'restart': {
        const { pauseRecord } = fixture.trigger
        if (!(await fixture.trigger.stop(60_000))) this.problems.push('a stop did not drain')
        if ([...fixture.engines.values()].some(({ routes }) => routes.length > 0))
          this.problems.push('a route was left behind')
        fixture.trigger = fixture.createTrigger()
        return fixture.trigger.start(pauseRecord)
      }
      case 'hold':
        await fixture.trigger.hold('the model says so')
        if (this.#runningKeys.size > 0) this.problems.push('something ran although a hold was confirmed')
        return
      case 'release':
        return fixture.trigger.release()
      case 'pause':
        await fixture.trigger.pause(pause)
        if (this.#runningKeys.size > 0) this.problems.push('something ran although a pause was confirmed')
        return
      case 'resume':
        return fixture.trigger.resume()
      case 'workers':
        return fixture.poolOf(versions[each.version] as string).setWorkers(each.count)
      case 'wait':
        for (let i = 0; i < each.turns; i++) await turn()
    }
  }

  #route(weights: readonly number[]): void {
    this.#weights = weights
    this.#fixture.route(Object.fromEntries(versions.map((name, index) => [name, weights[index] as number])))
  }

  #checkTaken(version: string, frame: readonly Invocation[]): void {
    if (frame.length > 0 && this.#weights[versions.indexOf(version)] === 0)
      this.problems.push(`version ${version} took an attempt at weight 0`)
    if (this.#fixture.trigger.state !== 'running') this.problems.push('something was taken while nothing may start')
  }

  async #attempt(seen: Seen) {
    const { key, value, attempt } = seen
    const lane = key === '' ? `event ${value}` : key
    if (this.#runningKeys.has(lane)) this.problems.push(`two runs of ${lane} at a time`)
    this.#runningKeys.add(lane)
    this.starts.push(seen)
    const { failures, turns, refusals } = this.events[Number(value)] as Append
    for (let i = 0; i < turns; i++) await turn()
    this.#runningKeys.delete(lane)
    if (attempt <= failures) return failed()
    this.successes.push(seen)
    return refusals === undefined ? succeeded : resultOf(value)
  }

  #sink(): Sink {
    return {
      name: 'out',
      kind: 'http',
      start: () => Promise.resolve(),
      close: () => Promise.resolve(),
      health: () => ({ ready: true }),
      deliver: async ({ value: bytes }) => {
        const value = bytes.toString()
        const { turns, refusals = 0 } = this.events[Number(value)] as Append
        for (let i = 0; i < turns; i++) await turn()
        const refused = this.#refused.get(value) ?? 0
        this.#refused.set(value, refused + 1)
        if (refused < refusals) throw new SluiceError('SLUICE_LOG_FULL', 'not now')
        this.sent.push(value)
      },
    }
  }
}

const resultOf = (value: string): InvocationOutcome => ({
  kind: 'succeeded',
  durationMs: 1,
  results: [{ meta: {}, contentType: 'text/plain', data: Buffer.from(value) }],
})
const partitionOf = (key: string): number => (key === 'c' || key === 'd' ? 1 : 0)
const idOf = ({ record }: DispatchFixture['done'][number]): string => record.value?.toString() ?? ''
const ascending = (values: readonly string[]): boolean =>
  values.every((value, index) => index === 0 || Number(values[index - 1]) < Number(value))

it('keeps every promise for any history of routes, failures, holds and restarts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 20, maxLength: 150 }),
      fc.constantFrom(0, 3, 60_000),
      async (steps, parkAfterMs) => {
        const run = new Run()
        try {
          await run.play(steps, parkAfterMs)
          expect(run.problems).toEqual([])
          const dead = await run.deadIds()
          const succeededIds = run.successes.map(({ value }) => value)
          const all = run.events.map((_, index) => String(index))
          expect([...succeededIds, ...dead].sort()).toEqual(all.sort())
          const withResult = succeededIds.filter(value => run.events[Number(value)]?.refusals !== undefined)
          expect([...run.sent].sort()).toEqual(withResult.sort())
          for (const key of ['a', 'b', 'c', 'd']) {
            expect(ascending(run.sent.filter(value => run.events[Number(value)]?.key === key))).toBe(true)
            const ofKey = ({ key: other }: Seen): boolean => other === key
            const firsts = [...new Set(run.starts.filter(ofKey).map(({ value }) => value))]
            expect(ascending(firsts)).toBe(true)
            expect(ascending(run.successes.filter(ofKey).map(({ value }) => value))).toBe(true)
          }
        } finally {
          await run.dispose()
        }
      },
    ),
    { numRuns: 40 },
  )
}, 300_000)
