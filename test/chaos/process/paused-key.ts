import assert from 'node:assert/strict'
import { nowUs } from '../checker/history.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { TimedLedger } from './timed-ledger.ts'
import { isPassedByOffset, p99, roundKeys, sendRound, slowdown, timesOf } from './timed-rounds.ts'
import { Trial, triggerName } from './trial.ts'

export const pausedKey = defineExperiment({
  name: 'paused-key',
  proves:
    'One key among a thousand that is paused, also across a kill, pins nothing: all others finish as fast as without it, its partition moves on, and its own events run in order when it is resumed.',
  full: { events: 100_000 },
  short: { events: 2_000 },
  async run({ size: { events }, seed, progress }) {
    const key = `p-${seededRandom(seed).below(roundKeys)}`
    await using trial = await Trial.start({
      functionEnvironment: { WORK_MS: '2' },
      // What a trigger has when nothing is said.
      trigger: { maxInFlight: 2_000 },
    })
    const ledger = new TimedLedger(trial.sent)
    await sendRound(trial, ledger, 'w-', Math.min(events, 10_000))
    await trial.settle()
    await sendRound(trial, ledger, 'c-', events)
    await trial.settle()
    const withoutMs = await timesOf(trial, ledger, 'c-')
    progress(1, 3, `p99 ${p99(withoutMs).toFixed(1)} ms`)

    const { gateway } = trial
    const target = { kind: 'key', trigger: triggerName, key }
    const answer = await gateway.post('/v1/pauses', { target, reason: 'an experiment', by: 'prove' })
    assert.equal(answer.status, 200, answer.body)
    const { items } = JSON.parse(answer.body) as { items: readonly { id: string }[] }
    const fromUs = nowUs()
    await sendRound(trial, ledger, 'p-', events)
    const own = [...ledger.sentUs.keys()].filter(id => id.startsWith(`${key}-`)).length
    await trial.runs.waitForDone(trial.sent.acknowledged - own)
    const withMs = await timesOf(trial, ledger, 'p-')
    progress(2, 3, `p99 ${p99(withMs).toFixed(1)} ms beside a paused key`)
    const flowedOn = await isPassedByOffset(trial, ledger, key)

    await trial.killAndRestart()
    // Whatever would run again in spite of the pause has run before an event that comes now.
    const { acknowledged } = trial.sent
    await sendRound(trial, ledger, 'x-', 100)
    await trial.runs.waitForDone(acknowledged + 100 - own)
    const toUs = nowUs()
    const ended = await fetch(`${gateway.url}/v1/pauses/${encodeURIComponent(items[0]!.id)}`, { method: 'DELETE' })
    assert.equal(ended.status, 200, await ended.text())
    await trial.stopSending()
    await trial.settle()
    await gateway.stop()
    const verdict = await trial.judge()
    const { runs } = trial.runs
    return {
      figures: [
        ...verdictFigures(verdict),
        exactly(
          'runs of the key while it was paused',
          runs.filter(run => run.key === key && run.startUs > fromUs && run.startUs < toUs).length,
          0,
        ),
        atLeast('events of the key that waited', own, 1),
        exactly('of which are done', runs.filter(run => run.key === key && run.outcome === 'done').length, own),
        exactly('the offset of its partition was past them', Number(flowedOn), 1),
        slowdown('p99 of all others, times that without the pause', withoutMs, withMs),
        told('p99 without the pause', p99(withoutMs), 'ms'),
      ],
      findings: findingsOf(verdict),
    }
  },
})
