import { violationKinds, type Verdict, type ViolationKind } from './checker/verdict.ts'
import { exactly, told, type Figure } from './figure.ts'

const names: Readonly<Record<ViolationKind, string>> = {
  lost: 'acknowledged lost',
  phantom: 'invented',
  outOfOrder: 'order violations',
  overlapping: 'overlapping runs of a key',
  excessDuplicates: 'duplicates beyond the window',
  whilePaused: 'runs while paused',
  unreadable: 'unreadable journal lines',
}

const usual = violationKinds.filter(kind => kind !== 'whilePaused')

/** The zeros that every workload has to show, and what they were counted over. */
export function verdictFigures(verdict: Verdict, kinds: readonly ViolationKind[] = usual): Figure[] {
  const { counts, violations, duplicates, mostDuplicates } = verdict
  return [
    ...kinds.map(kind => exactly(names[kind], violations[kind].count, 0)),
    told('events acknowledged', counts.acknowledged),
    told('duplicates', duplicates),
    told('most duplicates of a partition and interruption', mostDuplicates),
  ]
}

export function findingsOf({ violations }: Verdict): string[] {
  return violationKinds.flatMap(kind => violations[kind].examples.map(example => `${names[kind]}: ${example}`))
}
