import { defineExperiment } from '../experiment.ts'
import { atMost, quantile, told } from '../figure.ts'
import { sendOpenLoop } from './open-loop.ts'
import { pathOf, startScaledGateway, watchVersion, type Look } from './scaled-gateway.ts'

const beforeMs = 20_000
const afterMs = 20_000
const fromPerS = 100
const toPerS = 1_000

export const scalingStep = defineExperiment({
  name: 'scaling-step',
  proves: 'When ten times as much arrives, more workers are at work within a second, and soon as many as stay.',
  full: { steps: 10, firstMs: 1_000, settledMs: 3_000, overshootPercent: 25 },
  // Beside other work, as with every commit, times say little: that it grows at all.
  short: { steps: 1, firstMs: 10_000, settledMs: 20_000, overshootPercent: 200 },
  async run({ size, progress }) {
    const steps: Step[] = []
    const findings: string[] = []
    for (let step = 0; step < size.steps; step++) {
      const gateway = await startScaledGateway({
        io: {
          file: 'busy.mjs',
          definition: { environment: { WAIT_MS: '20', COMPUTE_MS: '0.4' }, scaling: { maxWorkers: 32 } },
        },
      })
      try {
        const perS = (atMs: number): number => (atMs < beforeMs ? fromPerS : toPerS)
        const load = { url: gateway.url, path: pathOf('io'), perS, durationMs: beforeMs + afterMs, keys: 5_000 }
        const looks = await watchVersion(gateway, 'io', sendOpenLoop(load))
        const seen = stepOf(looks)
        steps.push(seen)
        const { firstMs, settledMs, overshoot, workers } = seen
        const what = `first ${Math.round(firstMs)} ms, settled ${Math.round(settledMs)} ms at ${workers}`
        progress(step + 1, size.steps, what)
        if (firstMs > size.firstMs || settledMs > size.settledMs || overshoot * 100 > size.overshootPercent)
          findings.push(`step ${step + 1}: ${what}`)
      } finally {
        await gateway.dispose()
      }
    }
    const median = (value: (step: Step) => number): number => quantile(steps.map(value), 0.5)
    return {
      figures: [
        atMost(
          'first extra worker at work, median',
          median(step => step.firstMs),
          size.firstMs,
          'ms',
        ),
        atMost(
          'settled, median',
          median(step => step.settledMs),
          size.settledMs,
          'ms',
        ),
        atMost(
          'overshoot, largest',
          Math.max(...steps.map(({ overshoot }) => overshoot)) * 100,
          size.overshootPercent,
          '%',
        ),
        told(
          'workers in the end, median',
          median(step => step.workers),
        ),
      ],
      findings,
    }
  },
})

interface Step {
  readonly firstMs: number
  readonly settledMs: number
  readonly overshoot: number
  readonly workers: number
}

/** Times are after the step. A worker is at work when it has started: it gets the next frame. */
function stepOf(looks: readonly Look[]): Step {
  const at = (look: Look): number => look.atMs - beforeMs
  const before = looks.filter(look => at(look) < 0)
  const after = looks.filter(look => at(look) >= 0)
  const readyOf = ({ version }: Look): number => version.totals.coldStarts
  const had = readyOf(before.at(-1) as Look)
  const first = after.find(look => readyOf(look) > had)
  const counts = after.map(({ version }) => version.permitted)
  const workers = counts.at(-1) ?? 0
  const lastOff = after.findLastIndex(({ version }) => Math.abs(version.permitted - workers) > workers * 0.1)
  return {
    firstMs: first === undefined ? Infinity : at(first),
    settledMs: lastOff === -1 ? 0 : at(after[lastOff + 1] as Look),
    overshoot: Math.max(0, Math.max(...counts) / workers - 1),
    workers,
  }
}
