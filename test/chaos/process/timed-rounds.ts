import { setTimeout as delay } from 'node:timers/promises'
import type { TestEvent } from '../../e2e/ledger.ts'
import { sendWebhooks } from '../../e2e/webhook-sender.ts'
import { atMost, quantile, told, type Figure } from '../figure.ts'
import type { TimedLedger } from './timed-ledger.ts'
import { partitionOf, triggerName, type Trial } from './trial.ts'

/** Keys of a round. */
export const roundKeys = 1_000
/** Well below what two cores do: what is measured is waiting, not overload. */
const eventsPerSecond = 500
const connections = 32
/** A percentile of fewer events says nothing when it is compared. */
const eventsForRatio = 10_000
const mostSlowdown = 1.5

/** Sends the events of a round; resolves when all are acknowledged. */
export async function sendRound(
  trial: Trial,
  ledger: TimedLedger,
  keyPrefix: string,
  events: number,
  fieldsOf: (event: TestEvent) => Readonly<Record<string, unknown>> = () => ({}),
): Promise<void> {
  const load = { connections, keys: roundKeys, keyPrefix, events, eventsPerSecond, fieldsOf }
  await sendWebhooks({ url: trial.gateway.url, path: '/hooks', ledger, ...load })
}

/** Of each event of a round that is done: from its request to the end of its run, in ms. */
export async function timesOf(trial: Trial, { sentUs }: TimedLedger, keyPrefix: string): Promise<number[]> {
  const tookMs: number[] = []
  for (const { id, key, endUs, outcome } of await trial.runs.read())
    if (outcome === 'done' && key.startsWith(keyPrefix)) tookMs.push((endUs - sentUs.get(id)!) / 1_000)
  return tookMs
}

export const p99 = (valuesMs: readonly number[]): number => quantile(valuesMs, 0.99)

/** How much slower the slow ones are; a target only for enough events. */
export function slowdown(name: string, withoutMs: readonly number[], withMs: readonly number[]): Figure {
  const ratio = p99(withMs) / p99(withoutMs)
  return withoutMs.length >= eventsForRatio ? atMost(name, ratio, mostSlowdown) : told(name, ratio)
}

/** Whether everything of its partition is committed while events of a key still wait in the store. */
export async function isPassedByOffset({ gateway }: Trial, ledger: TimedLedger, key: string): Promise<boolean> {
  const partition = partitionOf(key)
  const end = [...ledger.sentUs.keys()].filter(id => partitionOf(id.slice(0, id.lastIndexOf('-'))) === partition).length
  for (;;) {
    const { parkedEvents, partitions } = await gateway.trigger(triggerName)
    if (parkedEvents === 0) return false
    if (partitions[partition]?.committed === end) return true
    await delay(20)
  }
}
