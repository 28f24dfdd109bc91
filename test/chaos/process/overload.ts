import { setTimeout as delay } from 'node:timers/promises'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, exactly, quantile, told } from '../figure.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { sendOpenLoop } from './open-loop.ts'
import { Trial, triggerName } from './trial.ts'

/** The function sleeps, so that its capacity is that of its one worker whatever the machine does: about 200 events a second. */
const workMs = 40
const concurrency = 8
const capacityPerSecond = (1_000 * concurrency) / workMs
/** Some seconds of work: it is full soon. */
const streamBytes = 2 * 1_048_576
const padding = 'x'.repeat(1_000)
const keys = 64
const askEveryMs = 50
/** After a change of the load, before anything is counted. */
const settleMs = 2_000

export const overload = defineExperiment({
  name: 'overload',
  proves:
    'Three times what a function can do costs no more than a tenth of what it does: the rest is refused with 429 or 503 and Retry-After, and the API answers.',
  // A slice runs beside other work: there it only has to answer.
  full: { seconds: 300, apiMs: 50 },
  short: { seconds: 15, apiMs: 500 },
  async run({ size, progress }) {
    await using trial = await Trial.start({
      stream: { maxBytes: streamBytes },
      function: { concurrency, scaling: { minWorkers: 1, maxWorkers: 1 } },
      functionEnvironment: { WORK_MS: String(workMs) },
    })
    let refused = 0
    let rude = 0
    const loadOf = (name: string, factor: number, seconds: number): Promise<void> =>
      sendOpenLoop({
        url: trial.gateway.url,
        path: '/hooks',
        name,
        eventsPerSecond: capacityPerSecond * factor,
        durationMs: seconds * 1_000 + settleMs,
        keys,
        padding,
        ledger: trial.sent,
        onRefused: (status, retryAfter) => {
          refused++
          if ((status !== 429 && status !== 503) || !(Number(retryAfter) >= 1)) rude++
        },
      })
    const peakSeconds = Math.max(5, size.seconds / 4)
    const [peak] = await Promise.all([goodput(trial, peakSeconds), loadOf('p', 1.2, peakSeconds)])
    progress(1, 2, `${Math.round(peak.perSecond)}/s at 1.2 times the capacity`)
    const refusedBefore = refused
    const [over] = await Promise.all([goodput(trial, size.seconds), loadOf('o', 3, size.seconds)])
    progress(2, 2, `${Math.round(over.perSecond)}/s at 3 times`)
    await trial.finish()
    const verdict = await trial.judge({ isOrdered: false })
    return {
      figures: [
        told('goodput at 1.2 times the capacity', Math.round(peak.perSecond), '/s'),
        atLeast('goodput at 3 times, of that', Math.round((100 * over.perSecond) / peak.perSecond), 90, '%'),
        atLeast('refused at 3 times the capacity', refused - refusedBefore, capacityPerSecond),
        exactly('refusals other than 429 or 503 with Retry-After', rude, 0),
        atMost('API under it, p99', Math.round(quantile(over.answeredMs, 0.99)), size.apiMs, 'ms'),
        ...verdictFigures(verdict),
      ],
      findings: findingsOf(verdict),
    }
  },
})

/** What is completed in a second, counted after the load has settled; and how long the API took to tell. */
async function goodput(trial: Trial, seconds: number): Promise<{ perSecond: number; answeredMs: readonly number[] }> {
  await delay(settleMs)
  const answeredMs: number[] = []
  const ask = async (): Promise<number> => {
    const askedMs = performance.now()
    const { succeeded } = await trial.gateway.trigger(triggerName)
    answeredMs.push(performance.now() - askedMs)
    return succeeded
  }
  const startedMs = performance.now()
  const first = await ask()
  let last = first
  while (performance.now() - startedMs < seconds * 1_000) {
    await delay(askEveryMs)
    last = await ask()
  }
  return { perSecond: ((last - first) * 1_000) / (performance.now() - startedMs), answeredMs }
}
