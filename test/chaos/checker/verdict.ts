/** Violations of one kind: all are counted, the first ones are kept. */
export class Findings {
  static readonly #kept = 10
  count = 0
  readonly examples: string[] = []

  add(example: string): void {
    this.count++
    if (this.examples.length < Findings.#kept) this.examples.push(example)
  }

  merge(other: Findings): void {
    for (const example of other.examples) if (this.examples.length < Findings.#kept) this.examples.push(example)
    this.count += other.count
  }
}

/** Kinds of violation, each a broken promise. */
export const violationKinds = [
  /** Acknowledged, and neither done nor a dead letter. */
  'lost',
  /** Done or a dead letter, and never sent, or sent with another key or sequence. */
  'phantom',
  /** First done after a later event of its key was. */
  'outOfOrder',
  /** A run of a key began before another run of it had ended. */
  'overlapping',
  /** Done once more without an interruption that explains it, or by more events than one explains. */
  'excessDuplicates',
  /** Begun while a pause was in force. */
  'whilePaused',
  /** Lines of the run journal that nobody wrote. */
  'unreadable',
] as const

export type ViolationKind = (typeof violationKinds)[number]

export interface Verdict {
  readonly counts: {
    sent: number
    acknowledged: number
    refused: number
    unknown: number
    done: number
    deadLetters: number
    runs: number
    interruptions: number
  }
  readonly violations: Readonly<Record<ViolationKind, Findings>>
  /** Runs beyond the first of each event. */
  duplicates: number
  /** The most of them that one interruption caused in one partition. */
  mostDuplicates: number
  /** From each interruption to ready, in ms. */
  readonly readyMs: number[]
  /** From each interruption to the first run after it, in ms. */
  readonly firstRunMs: number[]
}

export function emptyVerdict(): Verdict {
  return {
    counts: {
      sent: 0,
      acknowledged: 0,
      refused: 0,
      unknown: 0,
      done: 0,
      deadLetters: 0,
      runs: 0,
      interruptions: 0,
    },
    violations: Object.fromEntries(violationKinds.map(kind => [kind, new Findings()])) as Record<
      ViolationKind,
      Findings
    >,
    duplicates: 0,
    mostDuplicates: 0,
    readyMs: [],
    firstRunMs: [],
  }
}

/** Adds the verdict on another part of the same experiment. */
export function addVerdict(sum: Verdict, part: Verdict): void {
  for (const name of Object.keys(sum.counts) as (keyof Verdict['counts'])[]) sum.counts[name] += part.counts[name]
  for (const kind of violationKinds) sum.violations[kind].merge(part.violations[kind])
  sum.duplicates += part.duplicates
  sum.mostDuplicates = Math.max(sum.mostDuplicates, part.mostDuplicates)
  sum.readyMs.push(...part.readyMs)
  sum.firstRunMs.push(...part.firstRunMs)
}

/** The kinds that were violated. */
export function violated({ violations }: Verdict): ViolationKind[] {
  return violationKinds.filter(kind => violations[kind].count > 0)
}
