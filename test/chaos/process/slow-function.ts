import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, told } from '../figure.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial, triggerName } from './trial.ts'

const eventsPerSecond = 1_000
/** Two workers with sixteen events each do about 640 a second. */
const workMs = 50
const concurrency = 16
const sampleMs = 200

export const slowFunction = defineExperiment({
  name: 'slow-function',
  proves:
    'A function that is too slow for 1,000 events a second makes a backlog on the disk, not in memory, and loses none.',
  full: { seconds: 300 },
  short: { seconds: 15 },
  async run({ size, progress }) {
    await using trial = await Trial.start({
      function: { concurrency, scaling: { minWorkers: 2, maxWorkers: 2 } },
      functionEnvironment: { WORK_MS: String(workMs) },
    })
    const { pid } = trial.gateway.process
    // Once through all of it, so that what is loaded on first use counts as the base.
    trial.sendWebhooks({ eventsPerSecond: 100, keyPrefix: 'w' })
    await trial.sent.waitForAcknowledged(200)
    const baseMiB = await residentMiB(pid)
    let mostMiB = baseMiB
    let mostLag = 0
    trial.sendWebhooks({ connections: 64, keys: 512, eventsPerSecond, padding: 'x'.repeat(200) })
    const startedMs = performance.now()
    while (performance.now() - startedMs < size.seconds * 1_000) {
      await delay(sampleMs)
      mostMiB = Math.max(mostMiB, await residentMiB(pid))
      mostLag = Math.max(mostLag, (await trial.gateway.trigger(triggerName)).lag ?? 0)
      progress(Math.round((performance.now() - startedMs) / 1_000), size.seconds, `${mostLag} events wait`)
    }
    await trial.finish(size.seconds * 4_000 + 60_000)
    const verdict = await trial.judge()
    return {
      figures: [
        told('memory before', Math.round(baseMiB), 'MiB'),
        atMost('memory above it', Math.round(mostMiB - baseMiB), 256, 'MiB'),
        atLeast('longest backlog', mostLag, size.seconds * 50, 'events'),
        ...verdictFigures(verdict),
      ],
      findings: findingsOf(verdict),
    }
  },
})

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
}
