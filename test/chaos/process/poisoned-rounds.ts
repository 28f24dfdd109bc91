import type { DeadLetter } from '../../e2e/gateway-process.ts'
import type { TestEvent } from '../../e2e/ledger.ts'
import type { EventIdentity } from '../checker/history.ts'
import { exactly, told, type Figure } from '../figure.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { TimedLedger } from './timed-ledger.ts'
import { isPassedByOffset, p99, sendRound, slowdown, timesOf } from './timed-rounds.ts'
import { Trial, triggerName } from './trial.ts'

export interface PoisonPlan {
  /** Each a round without poison and a round with it, by turns. */
  readonly pairs: number
  readonly events: number
  readonly isPoison: (event: TestEvent) => boolean
  /** The key that is poisoned or has poison, without the prefix of its round. */
  readonly key: string
  readonly progress: (done: number, of: number, note: string) => void
}

export interface PoisonOutcome {
  readonly figures: readonly Figure[]
  readonly findings: readonly string[]
  /** Rounds in which the offset of its partition went past a key that was parked. */
  readonly flowedOn: number
}

/** What a function has when nothing is said of retries. */
const attempts = 5

/** Rounds with and without poison on one gateway, by turns: what poison does to all others, and what becomes of it. */
export async function runPoisonedRounds(plan: PoisonPlan): Promise<PoisonOutcome> {
  await using trial = await Trial.start({
    functionEnvironment: { WORK_MS: '2' },
    // What a trigger has when nothing is said.
    trigger: { maxInFlight: 2_000 },
  })
  const ledger = new TimedLedger(trial.sent)
  const cleanMs: number[] = []
  const poisonedMs: number[] = []
  const poison: string[] = []
  let flowedOn = 0
  // Workers are there, and sized for the load, before anything is measured.
  await sendRound(trial, ledger, 'w-', plan.events)
  await trial.settle()
  for (let pair = 0; pair < plan.pairs; pair++) {
    const clean = `c${pair}-`
    await sendRound(trial, ledger, clean, plan.events)
    await trial.settle()
    const withoutMs = await timesOf(trial, ledger, clean)
    const prefix = `p${pair}-`
    await sendRound(trial, ledger, prefix, plan.events, event => {
      if (!plan.isPoison({ ...event, key: event.key.slice(prefix.length) })) return {}
      poison.push(JSON.stringify({ ...event, act: 'throw' }))
      return { act: 'throw' }
    })
    if (await isPassedByOffset(trial, ledger, prefix + plan.key)) flowedOn++
    await trial.settle()
    const withMs = await timesOf(trial, ledger, prefix)
    cleanMs.push(...withoutMs)
    poisonedMs.push(...withMs)
    plan.progress(pair + 1, plan.pairs, `p99 ${p99(withoutMs).toFixed(1)} ms, with poison ${p99(withMs).toFixed(1)} ms`)
  }
  await trial.stopSending()
  const letters = await trial.gateway.deadLetters(triggerName)
  const verdict = await trial.judge({}, identities(letters))
  await trial.gateway.stop()
  return {
    flowedOn,
    figures: [
      ...verdictFigures(verdict),
      slowdown('p99 of all others, times that without poison', cleanMs, poisonedMs),
      told('p99 without poison', p99(cleanMs), 'ms'),
      exactly('dead letters', letters.length, poison.length),
      exactly(
        'of which whole: original bytes, every attempt with its error',
        countWhole(letters, poison),
        poison.length,
      ),
    ],
    findings: findingsOf(verdict),
  }
}

function identities(letters: readonly DeadLetter[]): EventIdentity[] {
  return letters.map(letter => {
    const { id, key, seq } = JSON.parse(bytesOf(letter)) as TestEvent
    return { id, key, sequence: seq }
  })
}

/** Dead letters that have the bytes of an event that was sent and the error of each of its attempts. */
function countWhole(letters: readonly DeadLetter[], sent: readonly string[]): number {
  const bodies = new Set(sent)
  return letters.filter(letter => {
    // Each body counts once.
    if (!bodies.delete(bytesOf(letter))) return false
    const { id } = JSON.parse(bytesOf(letter)) as TestEvent
    const { failures } = letter
    return (
      failures.length === attempts &&
      failures.every(({ attempt, message }, index) => attempt === index + 1 && message.includes(`cannot digest ${id}`))
    )
  }).length
}

const bytesOf = ({ dataBase64 }: DeadLetter): string => Buffer.from(dataBase64 ?? '', 'base64').toString()
