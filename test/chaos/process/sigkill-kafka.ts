import { setTimeout as delay } from 'node:timers/promises'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { exactly, quantile, told } from '../figure.ts'
import { partSeed, seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { createTrialTopic, kafkaTrial, sessionTimeoutMs, TrialProducer } from './kafka-trial.ts'

const cyclesPerTrial = 10
const keys = 100
const eventsPerSecond = 400

export const sigkillKafka = defineExperiment({
  name: 'sigkill-kafka',
  proves:
    'A gateway that is killed while it reads a Kafka topic goes on where its group stands: nothing lost, keys in order, duplicates within the window.',
  needs: ['kafka'],
  full: { cycles: 40 },
  short: { cycles: 1 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    for (let done = 0; done < size.cycles;) {
      const topic = await createTrialTopic()
      await using trial = await kafkaTrial(topic, { functionEnvironment: { WORK_MS: String(random.pick([2, 20])) } })
      const stop = new AbortController()
      const producing = new TrialProducer(topic, trial, keys).produceUntil(stop.signal, eventsPerSecond)
      // Told of when it is awaited.
      producing.catch(() => undefined)
      await trial.runs.waitForDone(1)
      for (let cycle = 0; cycle < cyclesPerTrial && done < size.cycles; cycle++) {
        const random = seededRandom(partSeed(seed, done))
        await delay(300 + random.below(3_000))
        const before = (await trial.runs.read()).length
        await trial.killAndRestart()
        // The broker waits for the killed member as long as its session lasts; only then anything can run again.
        await untilRunsAgain(() => trial.runs.read(), before)
        progress(++done, size.cycles, `${trial.sent.acknowledged} produced`)
      }
      stop.abort()
      await producing
      await trial.finish()
      addVerdict(sum, await trial.judge())
    }
    return {
      figures: [
        exactly('cycles', sum.counts.interruptions, size.cycles),
        ...verdictFigures(sum),
        told('session time-out', sessionTimeoutMs, 'ms'),
        told('first run again, p99', quantile(sum.firstRunMs, 0.99), 'ms'),
      ],
      findings: findingsOf(sum),
    }
  },
})

const runsAgainMs = 60_000

async function untilRunsAgain(read: () => Promise<readonly unknown[]>, before: number): Promise<void> {
  for (const deadline = Date.now() + runsAgainMs; (await read()).length <= before; await delay(50))
    if (Date.now() > deadline) throw new Error(`nothing ran within ${runsAgainMs} ms after a kill`)
}
