import { setImmediate as nextTurn } from 'node:timers/promises'
import { turnTimeMs } from '../../src/dispatch/turn-clock.ts'
import { chooseVersion, hashKey, versionSeed } from '../../src/dispatch/version-choice.ts'
import { VersionStats } from '../../src/dispatch/version-stats.ts'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { median } from '../bench-row.ts'

/*
 * CPU time per event, in ns, of what several versions and their statistics add to dispatch: median of five rounds after a
 * warm-up. CPU time and not the clock, so that other load on the machine does not show.
 * Run with `node bench/dispatch/version-choice.ts`, `--json` for machines.
 */

const callsPerRound = 1_000_000
const callsPerTurn = 256
const keys = Array.from({ length: 512 }, (_, i) => `device-${i * 7919}`)
const succeeded: InvocationOutcome = { kind: 'succeeded', results: [], durationMs: 0.5 }
const stats = new VersionStats()

const targetsOf = (weights: readonly number[]) =>
  weights.map((weight, index) => ({ weight, engine: { seed: versionSeed('price', String(index + 1)) } }))
const one = targetsOf([100])
const two = targetsOf([90, 10])
const five = targetsOf([40, 30, 15, 10, 5])

const cases: Readonly<Record<string, (index: number) => number>> = {
  'the loop alone': index => (keys[index & 511] as string).length,
  'choice of 1 version': index => chooseVersion(one, index).weight,
  'choice of 2 versions, key hashed': index => chooseVersion(two, hashKey(keys[index & 511] as string)).weight,
  'choice of 5 versions, key hashed': index => chooseVersion(five, hashKey(keys[index & 511] as string)).weight,
  'statistics of an attempt': () => {
    stats.ended(succeeded, 0, turnTimeMs())
    return 0
  },
  'statistics of an attempt, its own reading of the clock': () => {
    stats.ended(succeeded, 0, performance.now())
    return 0
  },
}

const rows: { case: string; 'CPU ns per event': number }[] = []
for (const [name, work] of Object.entries(cases)) {
  const rounds: number[] = []
  for (let round = 0; round <= 5; round++) {
    const nanos = await roundOf(work)
    if (round > 0) rounds.push(nanos)
  }
  rows.push({ case: name, 'CPU ns per event': Math.round(median(rounds) * 10) / 10 })
}
const snapshotNanos = await roundOf(() => stats.snapshot().counts.invocations & 1, 20_000)
rows.push({ case: 'snapshot of the statistics (once per sample)', 'CPU ns per event': Math.round(snapshotNanos) })
if (process.argv.includes('--json')) console.log(JSON.stringify(rows, null, 2))
else console.table(rows)

/** In bursts, as events come. */
async function roundOf(work: (index: number) => number, calls = callsPerRound): Promise<number> {
  let sum = 0
  let spentMicros = 0
  for (let index = 0; index < calls;) {
    const before = process.threadCpuUsage()
    // Many bursts per reading of the CPU clock, which is a system call.
    for (let burst = 0; burst < 64 && index < calls; burst++) {
      for (let i = 0; i < callsPerTurn; i++) sum += work(index++)
      await Promise.resolve()
    }
    const { user, system } = process.threadCpuUsage(before)
    spentMicros += user + system
    await nextTurn()
  }
  if (sum < 0) throw new Error('the work must not be optimised away')
  return (spentMicros * 1000) / calls
}
