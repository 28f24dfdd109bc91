import { setTimeout as delay } from 'node:timers/promises'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { partSeed, seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial } from './trial.ts'

const cyclesPerTrial = 25
/** Every so many cycles the function takes longer than the gateway may take to drain. */
const workMs = [2, 20, 60]

export const sigterm = defineExperiment({
  name: 'sigterm',
  proves:
    'A gateway that is told to stop under load loses nothing, repeats nothing that it finished in time, and ends within its limit.',
  full: { cycles: 100 },
  short: { cycles: 2 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const tookMs: number[] = []
    let undrained = 0
    for (let done = 0; done < size.cycles;) {
      await using trial = await Trial.start({ functionEnvironment: { WORK_MS: String(random.pick(workMs)) } })
      trial.sendWebhooks()
      trial.publishFromDevices()
      for (let cycle = 0; cycle < cyclesPerTrial && done < size.cycles; cycle++) {
        await delay(300 + seededRandom(partSeed(seed, done)).below(2_000))
        const stop = await trial.stopAndRestart()
        tookMs.push(stop.tookMs)
        if (stop.code !== 0) undrained++
        progress(++done, size.cycles, `the last stop took ${Math.round(stop.tookMs)} ms`)
      }
      await trial.finish()
      addVerdict(sum, await trial.judge())
    }
    return {
      figures: [
        exactly('cycles', sum.counts.interruptions, size.cycles),
        ...verdictFigures(sum),
        atMost('longest stop', Math.max(...tookMs), 10_000, 'ms'),
        told('stops that did not drain in time', undrained),
      ],
      findings: findingsOf(sum),
    }
  },
})
