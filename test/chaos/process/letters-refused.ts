import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { GatewayProcess } from '../../e2e/gateway-process.ts'
import type { TestEvent } from '../../e2e/ledger.ts'
import { nowUs } from '../checker/history.ts'
import { addVerdict, emptyVerdict, type Verdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial, triggerName } from './trial.ts'

interface Observed {
  /** Trials in which each of them told of the fault while it lasted. */
  stopped: number
  explained: number
  measured: number
  logged: number
  /** Trials that had exactly one dead letter for each event that had to have one. */
  lettersWhole: number
  readonly againMs: number[]
}

export const lettersRefused = defineExperiment({
  name: 'letters-refused',
  proves:
    'While dead letters cannot be written the trigger starts nothing, drops nothing and says so; it goes on when they can be.',
  full: { cycles: 40 },
  short: { cycles: 1 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const observed: Observed = { stopped: 0, explained: 0, measured: 0, logged: 0, lettersWhole: 0, againMs: [] }
    for (let cycle = 0; cycle < size.cycles; cycle++) {
      addVerdict(sum, await refuseAndTake(cycle % 2 === 1, random.below(3_000), observed))
      progress(cycle + 1, size.cycles, `${sum.counts.deadLetters} dead letters`)
    }
    return {
      figures: [
        exactly('cycles', size.cycles, size.cycles),
        ...verdictFigures(sum),
        exactly('runs while dead letters were refused', sum.violations.whilePaused.count, 0),
        exactly('triggers shown as stopped', observed.stopped, size.cycles),
        exactly('with the reason beside it', observed.explained, size.cycles),
        exactly('with the metric that alarms', observed.measured, size.cycles),
        exactly('with an error in the log', observed.logged, size.cycles),
        exactly('one dead letter for each event that failed', observed.lettersWhole, size.cycles),
        // The store is asked every 5 s, and waits 2 s for a lock.
        ...(observed.againMs.length === 0
          ? []
          : [atMost('longest until it goes on', Math.max(...observed.againMs), 10_000, 'ms')]),
        told('kills while they were refused', sum.counts.interruptions),
        told('dead letters', sum.counts.deadLetters),
      ],
      findings: findingsOf(sum),
    }
  },
})

/** Another process holds the lock of the store until everything has been looked at, and `moreMs` longer. */
async function refuseAndTake(isKilled: boolean, moreMs: number, observed: Observed): Promise<Verdict> {
  await using trial = await Trial.start({
    function: { retry: { maxAttempts: 2, initialDelayMs: 10 } },
    functionEnvironment: { WORK_MS: '2' },
  })
  const { gateway } = trial
  const poison = new Set<string>()
  const fieldsOf = ({ id, seq }: TestEvent) => {
    if (seq % 10 !== 3) return {}
    poison.add(id)
    return { act: 'throw' }
  }
  const store = new DatabaseSync(gateway.path('data/home.sqlite'), { timeout: 10_000 })
  try {
    store.exec('BEGIN IMMEDIATE')
    trial.sendWebhooks({ eventsPerSecond: 600, fieldsOf })
    trial.publishFromDevices({ messagesPerSecond: 200 })
    const { detail } = await gateway.until('stopped', async () => {
      const shown = await gateway.get<{ state: string; detail?: string }>(`/v1/triggers/${triggerName}`)
      return shown.state === 'stopped' && shown
    })
    observed.stopped++
    if (/the dead letter of \S+ cannot be written: /.test(detail ?? '')) observed.explained++
    await gateway.until('all runs ended', async () => (await metric(gateway, 'sluice_events_running')) === 0)
    const fromUs = nowUs()
    const acknowledged = trial.sent.acknowledged
    if ((await metric(gateway, 'sluice_trigger_blocked')) === 1) observed.measured++
    if (gateway.process.lines.some(line => /\berror\b.*dead letter/i.test(line))) observed.logged++
    await delay(moreMs)
    // Events keep coming in and wait.
    await trial.sent.waitForAcknowledged(acknowledged + 50)
    trial.pauses.push({ fromUs, toUs: nowUs() })
    if (isKilled) await gateway.kill()
    store.exec('ROLLBACK')
  } finally {
    store.close()
  }
  const freeMs = performance.now()
  if (isKilled) await trial.restartKilled()
  await gateway.until('running', async () => (await gateway.trigger(triggerName)).state === 'running')
  if (!isKilled) observed.againMs.push(performance.now() - freeMs)
  await trial.stopSending()
  await trial.settle()
  const letters = await trial.deadLetters()
  const ids = new Set(letters.map(({ id }) => id))
  // What was never acknowledged, because the gateway died or the sending ended, may have come in or not.
  const isWhole = [...poison].every(id => ids.has(id) || !trial.sent.isAcknowledged(id))
  if (ids.size === letters.length && isWhole && [...ids].every(id => poison.has(id))) observed.lettersWhole++
  await gateway.stop()
  return await trial.judge({}, letters)
}

/** Sum of the samples of a metric; NaN when it is not there. */
async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text()
  const samples = text.split('\n').filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
  return samples.length === 0 ? NaN : samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
