import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestEvent } from '../../e2e/ledger.ts'
import type { Interruption, Run } from '../checker/history.ts'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { functionFile, Trial } from './trial.ts'

const jumpsPerTrial = 10
const hourMs = 3_600_000
/** Against the real clock: the way from one to another is a jump of up to two days. */
const shiftsMs = [0, hourMs, -hourMs, 24 * hourMs, -24 * hourMs]
/** Without jitter; the second wait is so long that the key is parked. */
const retryMs = [700, 1_400]
const retry = { maxAttempts: 4, initialDelayMs: retryMs[0], jitter: 0 }
const stuckTimeoutMs = 1_500
/** A busy machine starts a worker anew for each of them. */
const stuckEndsMs = 30_000

export const clockJumps = defineExperiment({
  name: 'clock-jumps',
  proves:
    'When the wall clock jumps by an hour or a day, while the gateway runs or while it is down, nothing is lost, no retry comes early or waits for the clock, and every attempt keeps its time limit.',
  full: { jumps: 60 },
  short: { jumps: 2 },
  async run({ size, seed, directory, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const stuckMs: number[] = []
    let early = 0
    let misled = 0
    let jumps = 0
    for (let part = 0; jumps < size.jumps; part++) {
      const shift = join(directory, `shift-${part}`)
      await writeFile(shift, '0')
      await using trial = await startWithClock(shift)
      const fieldsOf = ({ seq }: TestEvent) => (seq % 10 === 7 ? { act: 'throw' } : {})
      trial.sendWebhooks({ eventsPerSecond: 400, fieldsOf })
      trial.publishFromDevices({ messagesPerSecond: 100 })
      let shiftMs = 0
      for (let jump = 0; jump < jumpsPerTrial && jumps < size.jumps; jump++) {
        await delay(500 + random.below(1_500))
        shiftMs = random.pick(shiftsMs.filter(other => other !== shiftMs))
        await writeFile(shift, String(shiftMs))
        if (jumps % 2 === 0) {
          const stuckFrom = performance.now()
          await trial.gateway.post('/stuck', { id: `s-${jump}`, key: 's', seq: jump, act: 'loop' })
          await applyShift(trial)
          await trial.gateway.until(
            'the stuck attempt is timed out',
            async () => (await trial.gateway.deadLetters('stuck')).length > jump / 2,
            stuckEndsMs,
          )
          stuckMs.push(performance.now() - stuckFrom)
        } else await trial.killAndRestart()
        progress(++jumps, size.jumps, `${shiftMs / hourMs} h off, ${trial.sent.acknowledged} acknowledged`)
      }
      await trial.stopSending()
      await trial.settle(60_000)
      const letters = await trial.deadLetters()
      misled += letters.length
      await trial.gateway.stop()
      // A day later nobody remembers the ids of the day before.
      addVerdict(sum, await trial.judge({ isDeduplicated: () => false }, letters))
      early += countEarly(trial.runs.runs, trial.interruptions)
    }
    return {
      figures: [
        exactly('jumps', jumps, size.jumps),
        ...verdictFigures(sum),
        exactly('retries before their time', early, 0),
        exactly('events given up for the clock', misled, 0),
        atMost('longest until an endless attempt was ended', Math.max(...stuckMs), stuckEndsMs, 'ms'),
        told('of which its own time limit', stuckTimeoutMs, 'ms'),
        told('jumps while it was down', sum.counts.interruptions),
      ],
      findings: findingsOf(sum),
    }
  },
})

function startWithClock(shift: string): Promise<Trial> {
  return Trial.start({
    env: { CLOCK_SHIFT: shift },
    nodeArgs: ['--import', join(import.meta.dirname, 'shifted-clock.ts')],
    function: { retry },
    // Attempts that believe to have no time left fail, and their events become dead letters.
    functionEnvironment: { WORK_MS: '5', ACTS_UP_TO_ATTEMPT: '2', LEAST_REMAINING_MS: '20000' },
    more: () => ({
      sources: { stuck: { type: 'http', path: '/stuck', stream: 'stuck', mapping: { type: 'test.stuck' } } },
      streams: { stuck: { partitions: 1 } },
      functions: {
        stuck: {
          file: functionFile('journal.mjs'),
          environment: { JOURNAL: '/dev/null' },
          timeoutMs: stuckTimeoutMs,
          retry: { maxAttempts: 1 },
        },
      },
      triggers: { stuck: { stream: 'stuck', function: 'stuck' } },
    }),
  })
}

async function applyShift({ gateway }: Trial): Promise<void> {
  const fromIndex = gateway.process.lines.length
  gateway.process.signal('SIGUSR2')
  await gateway.process.waitForLine(/^the clock is shifted by /, { fromIndex })
}

/** Attempts that began sooner after the one before than its wait, without an interruption between them. */
function countEarly(runs: readonly Run[], interruptions: readonly Interruption[]): number {
  const before = new Map<string, Run>()
  let early = 0
  for (const run of runs) {
    const last = before.get(run.id)
    before.set(run.id, run)
    if (last?.outcome !== 'failed') continue
    if (interruptions.some(({ atUs }) => atUs > last.startUs && atUs <= run.startUs)) continue
    // Timers may fire up to a millisecond early.
    if ((run.startUs - last.endUs) / 1_000 < (retryMs[last.attempt - 1] ?? 0) - 1) early++
  }
  return early
}
