import type { EventIdentity, History, Interruption, Run } from './history.ts'
import { emptyVerdict, type Verdict } from './verdict.ts'

/** What was promised to the workload that made a history. */
export interface Rules {
  /** Events of a key run one at a time and in order. */
  readonly isOrdered: boolean
  /** Partition of a key, to attribute duplicates; one for all when absent. */
  readonly partitionOf?: (key: string) => number
  /** Events that one interruption may make run once more, in each partition. */
  readonly window: number
  /** Whether repeats of a sender are recognised: then a copy that it may have made explains nothing. Default: never. */
  readonly isDeduplicated?: (event: EventIdentity) => boolean
  /** Events that may run once more for another reason, such as workers that the experiment kills. Default 0. */
  readonly otherRepeats?: number
}

/** Compares a history with what was promised. Pure; takes the history in one pass for each question. */
export function judge(history: History, rules: Rules): Verdict {
  const verdict = emptyVerdict()
  count(history, verdict)
  const done = findPhantoms(history, verdict)
  findLost(history, done, verdict)
  if (rules.isOrdered) {
    findDisorder(history, verdict)
    findOverlaps(history, verdict)
  }
  findExcessDuplicates(history, rules, verdict)
  findRunsWhilePaused(history, verdict)
  measureRecovery(history, verdict)
  for (let line = 0; line < history.unreadable; line++) verdict.violations.unreadable.add('a line of the run journal')
  return verdict
}

function count({ sent, runs, deadLetters, interruptions }: History, { counts }: Verdict): void {
  for (const { outcome } of sent.values()) counts[outcome]++
  counts.sent = sent.size
  counts.runs = runs.length
  counts.deadLetters = deadLetters.length
  counts.interruptions = interruptions.length
}

/** Gives the ids that are done or dead letters. */
function findPhantoms({ sent, runs, deadLetters }: History, verdict: Verdict): Set<string> {
  const ended = new Set<string>()
  const check = (event: EventIdentity, what: string): void => {
    const original = sent.get(event.id)
    if (original === undefined) verdict.violations.phantom.add(`${event.id} ${what} and was never sent`)
    else if (original.key !== event.key || original.sequence !== event.sequence)
      verdict.violations.phantom.add(
        `${event.id} was sent as ${original.key}/${original.sequence} and ${what} as ${event.key}/${event.sequence}`,
      )
  }
  for (const run of runs) {
    check(run, 'ran')
    if (run.outcome === 'done') ended.add(run.id)
  }
  verdict.counts.done = ended.size
  for (const letter of deadLetters) {
    check(letter, 'became a dead letter')
    ended.add(letter.id)
  }
  return ended
}

function findLost({ sent }: History, ended: ReadonlySet<string>, verdict: Verdict): void {
  for (const { id, outcome } of sent.values())
    if (outcome === 'acknowledged' && !ended.has(id))
      verdict.violations.lost.add(`${id} was acknowledged and neither ran nor became a dead letter`)
}

function findDisorder({ runs }: History, verdict: Verdict): void {
  const seen = new Set<string>()
  const newest = new Map<string, EventIdentity>()
  for (const run of runs) {
    if (run.outcome !== 'done' || seen.has(run.id)) continue
    seen.add(run.id)
    const before = newest.get(run.key)
    if (before === undefined || before.sequence < run.sequence) newest.set(run.key, run)
    else verdict.violations.outOfOrder.add(`${run.id} was first done after ${before.id}`)
  }
}

function findOverlaps({ runs }: History, verdict: Verdict): void {
  const byKey = new Map<string, Run[]>()
  for (const run of runs) {
    const ofKey = byKey.get(run.key)
    if (ofKey === undefined) byKey.set(run.key, [run])
    else ofKey.push(run)
  }
  for (const ofKey of byKey.values()) {
    ofKey.sort((a, b) => a.startUs - b.startUs)
    let last: Run | undefined
    for (const run of ofKey) {
      if (last !== undefined && run.startUs < last.endUs)
        verdict.violations.overlapping.add(`${run.id} began ${last.endUs - run.startUs} µs before ${last.id} ended`)
      if (last === undefined || run.endUs > last.endUs) last = run
    }
  }
}

/**
 * A run beyond the first is explained by a copy that its sender made, or by an interruption between the two. Each
 * interruption explains so many in each partition.
 */
function findExcessDuplicates(history: History, rules: Rules, verdict: Verdict): void {
  const { sent, interruptions } = history
  const ordered = [...interruptions].sort((a, b) => a.atUs - b.atUs)
  const previous = new Map<string, Run>()
  const copiesLeft = new Map<string, number>()
  const explained = new Map<string, number>()
  const partitionOf = rules.partitionOf ?? (() => 0)
  const copiesOf = (run: Run): number =>
    rules.isDeduplicated?.(run) === true ? 0 : (sent.get(run.id)?.copies ?? 1) - 1
  let otherRepeats = rules.otherRepeats ?? 0
  for (const run of history.runs) {
    if (run.outcome !== 'done') continue
    const before = previous.get(run.id)
    previous.set(run.id, run)
    if (before === undefined) continue
    verdict.duplicates++
    const copies = copiesLeft.get(run.id) ?? copiesOf(run)
    copiesLeft.set(run.id, Math.max(0, copies - 1))
    if (copies > 0) continue
    const index = explaining(ordered, before.endUs, run.startUs)
    const interruption = ordered[index]
    if (interruption !== undefined) {
      const partition = partitionOf(run.key)
      const place = `${index} ${partition}`
      const repeats = (explained.get(place) ?? 0) + 1
      explained.set(place, repeats)
      verdict.mostDuplicates = Math.max(verdict.mostDuplicates, repeats)
      if (repeats <= (interruption.isClean === true ? 0 : rules.window)) continue
      if (interruption.isClean !== true && otherRepeats > 0) otherRepeats--
      else
        verdict.violations.excessDuplicates.add(
          `${run.id} is repeat ${repeats} of partition ${partition} after interruption ${index + 1}`,
        )
    } else if (otherRepeats > 0) otherRepeats--
    else verdict.violations.excessDuplicates.add(`${run.id} was done once more without an interruption`)
  }
}

/** The last interruption between two runs of an event, and of these rather one that may repeat something. */
function explaining(ordered: readonly Interruption[], endUs: number, startUs: number): number {
  const isBetween = ({ atUs }: Interruption): boolean => atUs >= endUs && atUs <= startUs
  const unclean = ordered.findLastIndex(interruption => interruption.isClean !== true && isBetween(interruption))
  return unclean === -1 ? ordered.findLastIndex(isBetween) : unclean
}

function findRunsWhilePaused({ runs, pauses }: History, verdict: Verdict): void {
  for (const { fromUs, toUs } of pauses)
    for (const run of runs)
      if (run.startUs > fromUs && run.startUs < toUs)
        verdict.violations.whilePaused.add(`${run.id} began ${run.startUs - fromUs} µs after the pause was confirmed`)
}

function measureRecovery({ interruptions, runs }: History, verdict: Verdict): void {
  const starts = runs.map(({ startUs }) => startUs).sort((a, b) => a - b)
  for (const { atUs, readyUs } of interruptions) {
    if (readyUs === undefined) continue
    verdict.readyMs.push((readyUs - atUs) / 1_000)
    const first = firstAfter(starts, atUs)
    if (first !== undefined) verdict.firstRunMs.push((first - atUs) / 1_000)
  }
}

/** The first of ascending times that is after another. */
function firstAfter(ascending: readonly number[], atUs: number): number | undefined {
  let low = 0
  let high = ascending.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (ascending[middle]! > atUs) high = middle
    else low = middle + 1
  }
  return ascending[low]
}
