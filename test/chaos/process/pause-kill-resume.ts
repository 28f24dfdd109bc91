import { setTimeout as delay } from 'node:timers/promises'
import { nowUs } from '../checker/history.ts'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial, triggerName } from './trial.ts'

const cyclesPerTrial = 20

export const pauseKillResume = defineExperiment({
  name: 'pause-kill-resume',
  proves:
    'A pause is exact and outlives a kill: nothing begins between its confirmation and the resume, events keep coming in, none is lost.',
  full: { cycles: 100 },
  short: { cycles: 2 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    let acceptedWhilePaused = 0
    for (let done = 0; done < size.cycles;) {
      await using trial = await Trial.start({ functionEnvironment: { WORK_MS: String(random.pick([2, 20])) } })
      trial.sendWebhooks()
      trial.publishFromDevices()
      for (let cycle = 0; cycle < cyclesPerTrial && done < size.cycles; cycle++) {
        await delay(200 + random.below(800))
        await order(trial, 'pause')
        const fromUs = nowUs()
        const acknowledged = trial.sent.acknowledged
        // The kill comes before, or well after, whatever the gateway may still do about the pause.
        await delay(random.pick([0, random.below(50), 300]))
        await trial.killAndRestart()
        await delay(random.below(400))
        acceptedWhilePaused += trial.sent.acknowledged - acknowledged
        trial.pauses.push({ fromUs, toUs: nowUs() })
        await order(trial, 'resume')
        progress(++done, size.cycles)
      }
      await trial.finish()
      addVerdict(sum, await trial.judge())
    }
    return {
      figures: [
        exactly('cycles', sum.counts.interruptions, size.cycles),
        exactly('runs while paused', sum.violations.whilePaused.count, 0),
        ...verdictFigures(sum),
        atLeast('accepted while paused', acceptedWhilePaused, 1),
        told('runs', sum.counts.runs),
      ],
      findings: findingsOf(sum),
    }
  },
})

/** @throws {Error} when the gateway does not confirm. */
async function order({ gateway }: Trial, what: 'pause' | 'resume'): Promise<void> {
  const body = what === 'pause' ? { reason: 'an experiment', by: 'prove' } : {}
  const answer = await gateway.post(`/v1/triggers/${triggerName}/${what}`, body)
  if (answer.status !== 200) throw new Error(`${what}: ${answer.status} ${answer.body}`)
}
