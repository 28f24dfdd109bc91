import { setTimeout as delay } from 'node:timers/promises'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, quantile, told } from '../figure.ts'
import { partSeed, seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial } from './trial.ts'

/** Cycles on one data directory: long enough for segments, deduplication and offsets of many lives to pile up. */
const cyclesPerTrial = 25
/** From ready to the kill. */
const leastLifeMs = 300
const mostLifeMs = 3_500

const cyclesForP99 = 100

export const sigkill = defineExperiment({
  name: 'sigkill',
  proves:
    'A gateway that is killed under load, standalone, with HTTP and MQTT, loses nothing it acknowledged and keeps the order of keys.',
  full: { cycles: 300 },
  short: { cycles: 3 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    for (let done = 0, part = 0; done < size.cycles; part++) {
      await using trial = await Trial.start({ functionEnvironment: { WORK_MS: String(random.pick([0, 2, 10])) } })
      trial.sendWebhooks()
      trial.publishFromDevices()
      for (let cycle = 0; cycle < cyclesPerTrial && done < size.cycles; cycle++) {
        await delay(leastLifeMs + seededRandom(partSeed(seed, done)).below(mostLifeMs - leastLifeMs))
        await trial.killAndRestart()
        progress(++done, size.cycles, `${trial.sent.acknowledged} acknowledged in trial ${part + 1}`)
      }
      await trial.finish()
      addVerdict(sum, await trial.judge())
    }
    const ready = 'ready again, p99'
    const readyMs = quantile(sum.readyMs, 0.99)
    return {
      figures: [
        exactly('cycles', sum.counts.interruptions, size.cycles),
        ...verdictFigures(sum),
        // A kill from outside is nothing that an event has done.
        exactly('dead letters', sum.counts.deadLetters, 0),
        // A few starts on a machine that does other things say nothing about a percentile.
        size.cycles < cyclesForP99 ? told(ready, readyMs, 'ms') : atMost(ready, readyMs, 2_000, 'ms'),
        told('first run again, p99', quantile(sum.firstRunMs, 0.99), 'ms'),
      ],
      findings: findingsOf(sum),
    }
  },
})
