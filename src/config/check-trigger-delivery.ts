import type { TriggerConfig } from './sections/trigger.ts'

/** What is wrong with one field of a trigger. */
export interface TriggerProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** What a trigger says of its delivery that contradicts itself. Pure. */
export function checkTriggerDelivery({ delivery, retry }: Pick<TriggerConfig, 'delivery' | 'retry'>): TriggerProblem[] {
  if (delivery !== 'at-most-once') return []
  const problems: TriggerProblem[] = []
  const why = 'with delivery: at-most-once nothing is tried again'
  if (retry?.mode === 'delayed') problems.push({ path: ['retry', 'mode'], message: `${why}; leave it out` })
  if (retry?.maxAttempts !== undefined && retry.maxAttempts > 1)
    problems.push({ path: ['retry', 'maxAttempts'], message: `${why}; leave it out, or write 1` })
  return problems
}
