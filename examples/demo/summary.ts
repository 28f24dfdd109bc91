import type { DeadLetter } from './gateway-api.ts'
import type { KillReport } from './killer.ts'
import type { KindLedger } from './ledger.ts'
import type { DemoOptions } from './options.ts'
import type { Kind } from './workload.ts'

/** What became of the events of one kind, or of all. Counts are events. */
export interface Counts {
  /** Acknowledged to the sender. */
  readonly accepted: number
  /** Processed at least once. */
  readonly done: number
  readonly deadLettered: number
  /** Dead letters that are no poison: they should be none. */
  readonly deadLetteredUnexpectedly: number
  /** Runs beyond the first success. At least once allows them after a crash; `event.id` tells them. */
  readonly duplicates: number
  /** Accepted, and neither done nor a dead letter. */
  readonly lost: number
  /** Whose first success came after the first success of a later event of their key. */
  readonly outOfOrder: number
  /** Processed, and never sent. */
  readonly unknown: number
  /** From the first sent to the last done; null when there are too few to tell. */
  readonly eventsPerS: number | null
  /** From the acknowledgement, as the sender saw it, to the end of the function; 0 when that came first. */
  readonly acceptToDoneMs: Quantiles | null
  /** From the first try of the sender to the end of the function. */
  readonly sendToDoneMs: Quantiles | null
}

export interface Quantiles {
  readonly p50: number
  readonly p99: number
}

export interface Summary {
  readonly ok: boolean
  /** What is wrong, one sentence each. */
  readonly problems: readonly string[]
  readonly seed: number
  readonly eventsPerKind: number
  readonly ratePerS: number
  readonly durationMs: number
  /** A kind that did not run is null. */
  readonly kinds: Readonly<Record<Kind, Counts | null>>
  readonly total: Counts
  readonly kills: number
  /** From each start after a kill to its readiness. */
  readonly readyMs: readonly number[]
}

export interface Outcome {
  readonly options: DemoOptions
  readonly ledgers: readonly KindLedger[]
  readonly deadLetters: ReadonlyMap<Kind, readonly DeadLetter[]>
  readonly kills: KillReport
  readonly durationMs: number
  /** Of the final SIGTERM; null when the gateway did not end by itself. */
  readonly exitCode: number | null
}

/** Adds up the ledgers. Pure. */
export function summarise({ options, ledgers, deadLetters, kills, durationMs, exitCode }: Outcome): Summary {
  const kinds: Record<Kind, Counts | null> = { webhooks: null, telemetry: null, orders: null }
  for (const ledger of ledgers) kinds[ledger.kind] = countsOf([ledger], deadLetters)
  const total = countsOf(ledgers, deadLetters)
  const problems = problemsOf(total, options.events * ledgers.length)
  if (exitCode !== 0) {
    const how = exitCode === null ? 'had to be killed' : `ended with exit code ${exitCode}`
    problems.push(`the gateway ${how} when it was asked to stop`)
  }
  return {
    ok: problems.length === 0,
    problems,
    seed: options.seed,
    eventsPerKind: options.events,
    ratePerS: options.ratePerS,
    durationMs: Math.round(durationMs),
    kinds,
    total,
    kills: kills.killed,
    readyMs: kills.readyMs.map(Math.round),
  }
}

function countsOf(ledgers: readonly KindLedger[], deadLetters: ReadonlyMap<Kind, readonly DeadLetter[]>): Counts {
  const counts = {
    accepted: 0,
    done: 0,
    deadLettered: 0,
    unexpected: 0,
    duplicates: 0,
    lost: 0,
    disordered: 0,
    unknown: 0,
  }
  const acceptToDone: number[] = []
  const sendToDone: number[] = []
  let firstMs = Infinity
  let lastMs = -Infinity
  for (const ledger of ledgers) {
    const buried = new Set((deadLetters.get(ledger.kind) ?? []).map(({ id }) => id))
    counts.accepted += ledger.acceptedAtMs.size
    counts.done += ledger.doneAtMs.size
    counts.deadLettered += buried.size
    for (const id of buried) if (id === undefined || !ledger.isPoison(id)) counts.unexpected++
    counts.duplicates += ledger.duplicates
    counts.lost += ledger.open().filter(id => !buried.has(id)).length
    counts.disordered += ledger.disordered.length
    counts.unknown += ledger.unknown.length
    for (const [id, doneMs] of ledger.doneAtMs) {
      const sentMs = ledger.sentAtMs.get(id) ?? doneMs
      sendToDone.push(doneMs - sentMs)
      acceptToDone.push(Math.max(0, doneMs - (ledger.acceptedAtMs.get(id) ?? doneMs)))
      firstMs = Math.min(firstMs, sentMs)
      lastMs = Math.max(lastMs, doneMs)
    }
  }
  return {
    accepted: counts.accepted,
    done: counts.done,
    deadLettered: counts.deadLettered,
    deadLetteredUnexpectedly: counts.unexpected,
    duplicates: counts.duplicates,
    lost: counts.lost,
    outOfOrder: counts.disordered,
    unknown: counts.unknown,
    eventsPerS: lastMs > firstMs ? rounded((counts.done * 1000) / (lastMs - firstMs)) : null,
    acceptToDoneMs: quantilesOf(acceptToDone),
    sendToDoneMs: quantilesOf(sendToDone),
  }
}

function problemsOf(total: Counts, expected: number): string[] {
  const problems: string[] = []
  const say = (count: number, what: string) => {
    if (count > 0) problems.push(`${count.toLocaleString('en-US')} events ${what}`)
  }
  say(total.lost, 'were accepted and are neither processed nor dead letters')
  say(expected - total.accepted, 'were never accepted')
  say(total.outOfOrder, 'were processed after a later one of their key')
  say(total.deadLetteredUnexpectedly, 'became dead letters without being poison')
  say(total.unknown, 'were processed that nobody had sent')
  return problems
}

function quantilesOf(values: number[]): Quantiles | null {
  if (values.length === 0) return null
  values.sort((a, b) => a - b)
  const at = (share: number) => rounded(values[Math.ceil(share * values.length) - 1] as number)
  return { p50: at(0.5), p99: at(0.99) }
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10
}
