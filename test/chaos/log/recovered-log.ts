import { openEmbeddedLog, type EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/options.ts'
import type { Run, SentEvent } from '../checker/history.ts'
import { judge } from '../checker/judge.ts'
import { violated } from '../checker/verdict.ts'
import type { WrittenLog } from './written-log.ts'

/** What was known at the moment of a crash. */
export interface KnownState {
  readonly sent: ReadonlyMap<string, SentEvent>
  /** Offset of each acknowledged record. */
  readonly offsets: ReadonlyMap<string, number>
  /** By `group partition`. */
  readonly committed: ReadonlyMap<string, { readonly acknowledged: number; readonly asked: number }>
}

export function knownNow(written: WrittenLog): KnownState {
  const offsets = new Map<string, number>()
  for (const { id, offset } of written.records.values()) if (offset !== undefined) offsets.set(id, offset)
  const committed = new Map([...written.committed].map(([place, offsetsOf]) => [place, { ...offsetsOf }]))
  return { sent: written.snapshot(), offsets, committed }
}

/** A record that a recovered log serves. */
export interface ServedRecord {
  readonly partition: number
  readonly offset: number
  readonly id: string
}

export interface RecoveredState {
  readonly served: readonly ServedRecord[]
  readonly problems: readonly string[]
}

/**
 * Opens what a crash left and compares it with what was known: acknowledged records are there, each once, in order, at
 * the offset that was told, with their bytes; no others than those that were written; what was refused stays away;
 * acknowledged commits hold.
 */
export async function inspectRecovered(
  options: EmbeddedLogOptions,
  written: WrittenLog,
  known: KnownState,
  keepOpen?: (log: EmbeddedLog) => Promise<void>,
): Promise<RecoveredState> {
  const log = await openEmbeddedLog(options)
  try {
    const problems: string[] = []
    const served: ServedRecord[] = []
    const lows: number[] = []
    const runs: Run[] = []
    for (const [partition, { low }] of (await log.ends()).entries()) {
      lows.push(low)
      let next = low
      for (const { offset, value } of await log.browse(partition, 0, Infinity)) {
        if (offset < next) problems.push(`partition ${partition} serves offset ${offset} behind ${next - 1}`)
        next = offset + 1
        const found = value === null ? undefined : written.find(value)
        const id = found?.partition === partition ? found.id : `bytes at ${partition}/${offset}`
        const told = known.offsets.get(id)
        if (told !== undefined && told !== offset) problems.push(`${id} was told offset ${told} and lies at ${offset}`)
        if (known.sent.get(id)?.outcome === 'refused') problems.push(`${id} was refused and is served`)
        served.push({ partition, offset, id })
        const sequence = found?.sequence ?? 0
        runs.push({ id, key: `p${partition}`, sequence, attempt: 1, startUs: 0, endUs: 0, outcome: 'done' })
      }
    }
    const expired = await expiredIds(log, known, lows, problems)
    problems.push(...judged(known, runs, expired))
    await keepOpen?.(log)
    return { served, problems }
  } finally {
    await log.close()
  }
}

/** Acknowledged records that retention may have taken: below the start of their partition, and completed by all groups. */
async function expiredIds(
  log: EmbeddedLog,
  known: KnownState,
  lows: readonly number[],
  problems: string[],
): Promise<Set<string>> {
  const completed = [...lows]
  for (const group of new Set([...known.committed.keys()].map(place => place.split(' ')[0]!))) {
    const found = await log.committed(group)
    for (let partition = 0; partition < lows.length; partition++) {
      const { acknowledged, asked } = known.committed.get(`${group} ${partition}`) ?? { acknowledged: 0, asked: 0 }
      const offset = found.get(partition) ?? 0
      if (offset < acknowledged || offset > asked)
        problems.push(`${group} stands at ${offset} of partition ${partition}, told ${acknowledged}, asked ${asked}`)
      completed[partition] = Math.min(completed[partition]!, offset)
    }
  }
  const expired = new Set<string>()
  for (const [id, offset] of known.offsets) {
    const partition = Number(/^p(\d+)-/.exec(id)?.[1])
    if (offset < completed[partition]!) expired.add(id)
  }
  return expired
}

function judged({ sent }: KnownState, runs: readonly Run[], expired: ReadonlySet<string>): string[] {
  const kept = expired.size === 0 ? sent : new Map([...sent].filter(([id]) => !expired.has(id)))
  const verdict = judge(
    {
      sent: kept,
      runs: expired.size === 0 ? runs : runs.filter(({ id }) => !expired.has(id)),
      deadLetters: [],
      interruptions: [],
      pauses: [],
      unreadable: 0,
    },
    { isOrdered: true, window: 0 },
  )
  return violated(verdict).flatMap(kind => verdict.violations[kind].examples.map(example => `${kind}: ${example}`))
}
