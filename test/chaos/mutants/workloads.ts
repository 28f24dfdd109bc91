import { appendFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { HttpReceiver } from '../../e2e/http-receiver.ts'
import type { TestEvent } from '../../e2e/ledger.ts'
import { nowUs } from '../checker/history.ts'
import type { Rules } from '../checker/judge.ts'
import type { Verdict } from '../checker/verdict.ts'
import { functionFile, Trial, triggerName, type TrialOptions } from '../process/trial.ts'
import type { SourceEdit } from './mutant.ts'
import { assertPlanted, planted } from './plant.ts'

/** Tries a gateway, or a mutant of it, and has the history judged. */
export type Workload = (edits: readonly SourceEdit[]) => Promise<Verdict>

/** Time in which a mutant that will never settle is given up, and judged as it stands. */
const settleMs = 20_000

/** Enough to run a key twice at a time, if anything lets it. */
const severalWorkers = { scaling: { minWorkers: 3, maxWorkers: 3 } }

/** Killed twice while a slow function has much in its hands. */
export const killedWhileBusy: Workload = edits =>
  tried(edits, { functionEnvironment: { WORK_MS: '40' } }, async trial => {
    trial.sendWebhooks({ keys: 200, connections: 64 })
    for (let kill = 0; kill < 2; kill++) {
      await trial.sent.waitForAcknowledged(trial.sent.acknowledged + 400)
      await trial.killAndRestart()
    }
  })

/** Some events never let go of their worker, which is ended with whatever else it holds. */
export const killedWorkers: Workload = edits =>
  tried(
    edits,
    { function: { timeoutMs: 400, retry: { maxAttempts: 2, initialDelayMs: 10 } } },
    async trial => {
      const fieldsOf = ({ key, seq }: TestEvent) => (seq === 4 && /[05]$/.test(key) ? { act: 'loop' } : {})
      trial.sendWebhooks({ keys: 64, eventsPerSecond: 1_000, fieldsOf })
      await trial.sent.waitForAcknowledged(1_500)
    },
    // What a killed worker had done and not yet told runs again.
    { otherRepeats: 1_000 },
  )

/** Senders are refused for want of room now and then, and send the same event again. */
export const refusedAndRepeated: Workload = edits =>
  tried(edits, { stream: { maxBytes: 1_048_576 }, functionEnvironment: { WORK_MS: '20' } }, async trial => {
    let refusals = 0
    const padding = 'x'.repeat(8_192)
    // One key on each connection: its next event follows at once.
    trial.sendWebhooks({
      padding,
      keys: 64,
      connections: 64,
      eventsPerSecond: 3_000,
      retryMs: 5,
      onRefused: () => refusals++,
    })
    while (refusals < 200 || trial.sent.acknowledged < 800) await delay(20)
  })

/** Poisonous events while another process holds the store, so that no dead letter can be written for a while. */
export const lockedStore: Workload = edits =>
  tried(edits, { function: { retry: { maxAttempts: 1 } } }, async trial => {
    const fieldsOf = ({ seq }: TestEvent) => (seq % 10 === 3 ? { act: 'throw' } : {})
    const store = new DatabaseSync(trial.gateway.path('data/home.sqlite'), { timeout: 10_000 })
    try {
      store.exec('BEGIN IMMEDIATE')
      trial.sendWebhooks({ eventsPerSecond: 300, fieldsOf })
      // Longer than the store waits for the lock itself.
      await delay(3_500)
      store.exec('ROLLBACK')
    } finally {
      store.close()
    }
  })

/** Stopped at its limit with work in its hands, and started again. */
export const stoppedAtTheLimit: Workload = edits =>
  tried(
    edits,
    { functionEnvironment: { WORK_MS: '600' }, more: () => ({ shutdown: { drainMs: 200 } }) },
    async trial => {
      trial.sendWebhooks({ keys: 100, connections: 50, eventsPerSecond: 400 })
      await trial.sent.waitForAcknowledged(300)
      await trial.stopAndRestart()
    },
  )

/** Paused and resumed again and again while a function of some milliseconds runs. */
export const pausedAndResumed: Workload = edits =>
  tried(edits, { function: severalWorkers, functionEnvironment: { WORK_MS: '20' } }, async trial => {
    trial.sendWebhooks({ keys: 100, eventsPerSecond: 800 })
    for (let cycle = 0; cycle < 12; cycle++) {
      await delay(200)
      const paused = trial.gateway.post(`/v1/triggers/${triggerName}/pause`, { reason: 'a trial', by: 'prove' })
      if (cycle % 2 === 0) {
        await paused
        const fromUs = nowUs()
        await delay(100)
        trial.pauses.push({ fromUs, toUs: nowUs() })
      }
      // Every other pause is taken back before it is confirmed: what ran when it came still runs.
      else await delay(10)
      await trial.gateway.post(`/v1/triggers/${triggerName}/resume`, {})
      await paused
    }
  })

/** The far end of a sink refuses most results at first; what it takes counts as done. */
export const refusingReceiver: Workload = async edits => {
  let journal = ''
  const receiver = await HttpReceiver.start((body, before) => {
    const { id, key, seq } = JSON.parse(body) as TestEvent
    if (before === 0 && seq % 3 !== 0) return 503
    const us = nowUs()
    appendFileSync(journal, `${id} ${key} ${seq} 1 ${us} ${us} done\n`)
    return 200
  })
  try {
    const sinks = { far: { type: 'http', url: `${receiver.url}/results`, contentMode: 'plain' } }
    return await tried(
      edits,
      {
        function: { file: functionFile('pass.mjs') },
        trigger: { sinks: ['far'] },
        more: trial => {
          journal = trial.journal
          return { sinks }
        },
      },
      async trial => {
        trial.sendWebhooks({ keys: 50, connections: 10, eventsPerSecond: 300 })
        await trial.sent.waitForAcknowledged(400)
      },
    )
  } finally {
    await receiver.stop()
  }
}

async function tried(
  edits: readonly SourceEdit[],
  options: TrialOptions,
  work: (trial: Trial) => Promise<void>,
  rules: Partial<Rules> = {},
): Promise<Verdict> {
  await using trial = await Trial.start({ ...options, ...planted(edits) })
  assertPlanted(trial.gateway.process, edits)
  // The right gateway has to answer and to settle; a mutant may end at any time, and its history is judged as it stands.
  const orJudged = (error: unknown): void => {
    if (edits.length === 0) throw error
  }
  await work(trial).catch(orJudged)
  await trial.stopSending()
  await trial.settle(edits.length === 0 ? undefined : settleMs).catch(orJudged)
  const letters = trial.gateway.process.exit === undefined ? ((await trial.deadLetters().catch(orJudged)) ?? []) : []
  // Awaited here: the trial is over as soon as this function returns.
  return await trial.judge(rules, letters)
}
