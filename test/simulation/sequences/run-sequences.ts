import fc from 'fast-check'
import { partSeed } from '../../chaos/random.ts'
import { sequences, type Command } from './command.ts'
import { playSequence } from './player.ts'

/** A sequence after which the reference was contradicted, as small as it could be made. */
export interface FailedSequence {
  readonly commands: readonly Command[]
  /** Of chance within the sequence: order of tasks, latencies, what a loss of power leaves. */
  readonly seed: number
  readonly violations: readonly string[]
}

export interface SequencesRun {
  readonly played: number
  readonly commands: number
  readonly failure: FailedSequence | undefined
}

export interface SequencesOptions {
  readonly count: number
  readonly seed: number
  /** Whether a failure is made smaller. Default true. */
  readonly shrinks?: boolean
  readonly onPlayed?: (played: number) => void
}

/** Plays sequences until one contradicts the reference. */
export async function runSequences({ count, seed, shrinks = true, onPlayed }: SequencesOptions): Promise<SequencesRun> {
  let played = 0
  let commandCount = 0
  let last: readonly string[] = []
  const property = fc.asyncProperty(sequences, fc.integer({ min: 1, max: 2 ** 31 - 1 }), async (commands, own) => {
    played++
    commandCount += commands.length
    onPlayed?.(played)
    const violations = await playSequence(commands, own)
    if (violations.length === 0) return
    last = violations
    throw new Error(violations.join('\n'))
  })
  const details = await fc.check(property, { numRuns: count, seed: partSeed(seed, 0), endOnFailure: !shrinks })
  if (!details.failed) return { played, commands: commandCount, failure: undefined }
  const [commands, own] = details.counterexample ?? [[], 0]
  // What was seen last need not be what the smallest one shows.
  const violations = await playSequence(commands, own)
  return {
    played,
    commands: commandCount,
    failure: { commands, seed: own, violations: violations.length > 0 ? violations : last },
  }
}

/** What to type to see it again, step by step. */
export function replayCommand({ commands, seed }: FailedSequence): string {
  return `node test/simulation/sequences/play.ts '${JSON.stringify([commands, seed])}'`
}
