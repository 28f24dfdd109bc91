import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { nowUs } from '../checker/history.ts'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial } from './trial.ts'

const kinds = ['write', 'sync'] as const
const exitLimitMs = 60_000

export const writeErrors = defineExperiment({
  name: 'write-errors',
  proves:
    'A write or sync that fails ends the process: nothing is acknowledged any more, nothing is tried again, and the next process has all that was.',
  full: { cycles: 60 },
  short: { cycles: 2 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const exitMs: number[] = []
    let stopped = 0
    let acknowledgedLater = 0
    for (let cycle = 0; cycle < size.cycles; cycle++) {
      const kind = kinds[cycle % kinds.length]!
      await using trial = await Trial.start({
        env: { FAILING_CALL: kind },
        nodeArgs: ['--import', join(import.meta.dirname, 'failing-files.ts')],
        // Segments of 128 KiB: a sync of its own is made only when one is begun.
        stream: { maxBytes: 1_048_576 },
      })
      trial.sendWebhooks({ padding: 'x'.repeat(500) })
      trial.publishFromDevices()
      await delay(200 + random.below(800))
      const gateway = trial.gateway.process
      gateway.signal('SIGUSR2')
      await gateway.waitForLine(new RegExp(`^${kind} failed$`))
      const failedMs = performance.now()
      // What was synced before may be told in the turn of the failure; then no more.
      await delay(100)
      const { acknowledged } = trial.sent
      const limit = AbortSignal.timeout(exitLimitMs)
      const exit = await Promise.race([
        gateway.exited,
        new Promise<undefined>(resolve => limit.addEventListener('abort', () => resolve(undefined))),
      ])
      exitMs.push(performance.now() - failedMs)
      if (exit !== undefined && exit.code !== 0) stopped++
      acknowledgedLater += trial.sent.acknowledged - acknowledged
      if (exit === undefined) throw new Error(`the process lives on ${exitLimitMs} ms after a ${kind} failed`)
      trial.interruptions.push({ atUs: nowUs() })
      await trial.gateway.restart()
      await trial.sent.waitForAcknowledged(acknowledged + 100)
      await trial.finish()
      addVerdict(sum, await trial.judge())
      progress(cycle + 1, size.cycles, `${kind}: ended after ${Math.round(exitMs.at(-1)!)} ms`)
    }
    return {
      figures: [
        exactly('cycles', size.cycles, size.cycles),
        ...verdictFigures(sum),
        exactly('acknowledged after a failure', acknowledgedLater, 0),
        exactly('ended with an error', stopped, size.cycles),
        atMost('longest until the process had ended', Math.max(...exitMs), 2_000, 'ms'),
      ],
      findings: findingsOf(sum),
    }
  },
})
