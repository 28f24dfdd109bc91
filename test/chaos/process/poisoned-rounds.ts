import { setTimeout as delay } from 'node:timers/promises'
import type { DeadLetter } from '../../e2e/gateway-process.ts'
import type { TestEvent } from '../../e2e/ledger.ts'
import { sendWebhooks } from '../../e2e/webhook-sender.ts'
import type { EventIdentity } from '../checker/history.ts'
import { atMost, exactly, quantile, told, type Figure } from '../figure.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { TimedLedger } from './timed-ledger.ts'
import { partitionOf, Trial, triggerName } from './trial.ts'

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

export const poisonedKeys = 1_000
/** Well below what two cores do: what is measured is waiting, not overload. */
const eventsPerSecond = 500
const connections = 32
/** What a function has when nothing is said of retries. */
const attempts = 5
/** Fewer pairs than this say nothing about a ratio of percentiles. */
const pairsForRatio = 3

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
  await send(trial, ledger, 'w-', plan, () => false)
  await trial.settle()
  for (let pair = 0; pair < plan.pairs; pair++) {
    const others = await send(trial, ledger, `c${pair}-`, plan, () => false)
    await trial.settle()
    const withoutMs = await timesOf(others, trial, ledger)
    const prefix = `p${pair}-`
    const healthy = await send(trial, ledger, prefix, plan, event => {
      if (!plan.isPoison({ ...event, key: event.key.slice(prefix.length) })) return false
      poison.push(JSON.stringify({ ...event, act: 'throw' }))
      return true
    })
    if (await isPassedByOffset(trial, ledger, prefix + plan.key)) flowedOn++
    await trial.settle()
    const withMs = await timesOf(healthy, trial, ledger)
    cleanMs.push(...withoutMs)
    poisonedMs.push(...withMs)
    plan.progress(pair + 1, plan.pairs, `p99 ${p99(withoutMs).toFixed(1)} ms, with poison ${p99(withMs).toFixed(1)} ms`)
  }
  await trial.stopSending()
  const letters = await trial.gateway.deadLetters(triggerName)
  const verdict = await trial.judge({}, identities(letters))
  await trial.gateway.stop()
  const ratio = p99(poisonedMs) / p99(cleanMs)
  const name = 'p99 of all others, times that without poison'
  return {
    flowedOn,
    figures: [
      ...verdictFigures(verdict),
      plan.pairs >= pairsForRatio ? atMost(name, ratio, 1.5) : told(name, ratio),
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

/** Sends the events of a round; resolves when all are acknowledged, with the ids of those that are no poison. */
async function send(
  trial: Trial,
  ledger: TimedLedger,
  keyPrefix: string,
  { events }: PoisonPlan,
  isPoison: (event: TestEvent) => boolean,
): Promise<ReadonlySet<string>> {
  const healthy = new Set<string>()
  const fieldsOf = (event: TestEvent) => {
    if (isPoison(event)) return { act: 'throw' }
    healthy.add(event.id)
    return {}
  }
  const load = { connections, keys: poisonedKeys, keyPrefix, events, eventsPerSecond, fieldsOf }
  await sendWebhooks({ url: trial.gateway.url, path: '/hooks', ledger, ...load })
  return healthy
}

/** From the request to the end of the run, in ms. */
async function timesOf(ids: ReadonlySet<string>, trial: Trial, { sentUs }: TimedLedger): Promise<number[]> {
  const tookMs: number[] = []
  for (const { id, endUs, outcome } of await trial.runs.read())
    if (outcome === 'done' && ids.has(id)) tookMs.push((endUs - sentUs.get(id)!) / 1_000)
  return tookMs
}

const p99 = (valuesMs: readonly number[]): number => quantile(valuesMs, 0.99)

/** Whether everything of its partition is committed while events of a key still wait in the store. */
async function isPassedByOffset({ gateway }: Trial, ledger: TimedLedger, key: string): Promise<boolean> {
  const partition = partitionOf(key)
  const end = [...ledger.sentUs.keys()].filter(id => partitionOf(id.slice(0, id.lastIndexOf('-'))) === partition).length
  for (;;) {
    const { parkedEvents, partitions } = await gateway.trigger(triggerName)
    if (parkedEvents === 0) return false
    if (partitions[partition]?.committed === end) return true
    await delay(20)
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
