import assert from 'node:assert/strict'
import type { TestEvent } from '../../e2e/ledger.ts'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial, triggerName } from './trial.ts'

/** One that nobody was prepared for, one after which it is known who ran, and two of the suspect alone, which it is charged with. */
const mostCrashes = 4
const givenUpAfter = 8

export const hostCrash = defineExperiment({
  name: 'host-crash',
  proves:
    'An event that ends the whole process of its worker is found, and is a dead letter after two crashes on its own; its neighbours are charged with none and all finish.',
  full: { events: 20 },
  short: { events: 1 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const crashes: number[] = []
    let letters = 0
    for (let done = 0; done < size.events; done++) {
      const deadly = `k${random.below(64)}-${3 + random.below(5)}`
      await using trial = await Trial.start({ functionEnvironment: { WORK_MS: '5' } })
      const fieldsOf = ({ id }: TestEvent) => (id === deadly ? { act: 'die' } : {})
      trial.sendWebhooks({ eventsPerSecond: 400, fieldsOf })
      let ends = 0
      for (; ends < givenUpAfter; ends++) {
        const isOver = trial.gateway
          .until('the dead letter', async () => (await trial.gateway.deadLetters(triggerName)).length > 0)
          .then(
            () => true,
            () => false,
          )
        if (await Promise.race([isOver, trial.gateway.process.exited.then(() => false)])) break
        assert.equal((await trial.gateway.process.exited).signal, 'SIGKILL')
        await trial.restartKilled()
      }
      crashes.push(ends)
      await trial.stopSending()
      await trial.settle()
      const dead = await trial.deadLetters()
      if (dead.length === 1 && dead[0]!.id === deadly) letters++
      await trial.gateway.stop()
      addVerdict(sum, await trial.judge({}, dead))
      progress(done + 1, size.events, `${ends} crashes`)
    }
    return {
      figures: [
        exactly('dead letters of events that ended their process, and of no others', letters, size.events),
        ...verdictFigures(sum),
        atMost('most crashes by one event', Math.max(...crashes), mostCrashes),
        told(
          'crashes',
          crashes.reduce((all, one) => all + one, 0),
        ),
      ],
      findings: findingsOf(sum),
    }
  },
})
