import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { deployedNodeArgs } from '../../support/deployed-node.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, told } from '../figure.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial, triggerName } from './trial.ts'

const eventsPerSecond = 1_000
/** Two workers with sixteen events each do about 640 a second. */
const slowMs = 50
const concurrency = 16
const sampleMs = 200

export const slowFunction = defineExperiment({
  name: 'slow-function',
  proves:
    'A function that is too slow for 1,000 events a second makes a backlog on the disk, not in memory, and loses none.',
  full: { seconds: 300 },
  short: { seconds: 15 },
  async run({ size, progress }) {
    const { seconds } = size
    // The same load on a function that keeps up tells what of the memory is the backlog's.
    await using fast = await start(1)
    const without = await watch(fast, seconds, progress)
    await fast.finish()
    await using slow = await start(slowMs)
    const { baseMiB, mostMiB, mostLag } = await watch(slow, seconds, progress)
    await slow.finish(seconds * 4_000 + 60_000)
    const verdict = await slow.judge()
    return {
      figures: [
        told('memory before', Math.round(baseMiB), 'MiB'),
        atMost('memory above it', Math.round(mostMiB - baseMiB), 256, 'MiB'),
        told('memory above it when the function keeps up', Math.round(without.mostMiB - without.baseMiB), 'MiB'),
        told('longest backlog then', without.mostLag, 'events'),
        atLeast('longest backlog', mostLag, seconds * 50, 'events'),
        ...verdictFigures(verdict),
      ],
      findings: findingsOf(verdict),
    }
  },
})

function start(workMs: number): Promise<Trial> {
  return Trial.start({
    function: { concurrency, scaling: { minWorkers: 2, maxWorkers: 2 } },
    functionEnvironment: { WORK_MS: String(workMs) },
    nodeArgs: deployedNodeArgs(),
  })
}

/** Sends for so long, and gives the memory before and the most of memory and backlog after. */
async function watch(
  trial: Trial,
  seconds: number,
  progress: (done: number, of: number, note?: string) => void,
): Promise<{ readonly baseMiB: number; readonly mostMiB: number; readonly mostLag: number }> {
  const { pid } = trial.gateway.process
  // Once through all of it, so that what is loaded on first use counts as the base.
  trial.sendWebhooks({ eventsPerSecond: 100, keyPrefix: 'w' })
  await trial.sent.waitForAcknowledged(200)
  const baseMiB = await residentMiB(pid)
  let mostMiB = baseMiB
  let mostLag = 0
  trial.sendWebhooks({ connections: 64, keys: 512, eventsPerSecond, padding: 'x'.repeat(200) })
  const startedMs = performance.now()
  while (performance.now() - startedMs < seconds * 1_000) {
    await delay(sampleMs)
    mostMiB = Math.max(mostMiB, await residentMiB(pid))
    mostLag = Math.max(mostLag, (await trial.gateway.trigger(triggerName)).lag ?? 0)
    progress(Math.floor((performance.now() - startedMs) / 1_000), seconds, `${mostLag} events wait`)
  }
  return { baseMiB, mostMiB, mostLag }
}

async function residentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1_024
}
