import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeScript } from '../../support/child-process.ts'
import { mutants } from '../../chaos/mutants/mutants.ts'
import type { SourceEdit } from '../../chaos/mutants/mutant.ts'
import { assertPlanted, planted } from '../../chaos/mutants/plant.ts'
import { playSequence } from './player.ts'
import { runSequences, type SequencesRun } from './run-sequences.ts'

describe('sequences of commands', () => {
  it('do nothing that the reference does not allow', async () => {
    const { failure, played } = await runSequences({ count: 300, seed: 1 })
    expect(failure).toBeUndefined()
    expect(played).toBe(300)
  })

  it('take the same course for the same seed', async () => {
    const courses: string[][] = [[], []]
    for (const notes of courses)
      await playSequence(
        [
          { do: 'append', keys: [0, 1] },
          { do: 'end', which: 0, how: 'throw' },
          { do: 'crash', how: 'power' },
          { do: 'append', keys: [0] },
        ],
        7,
        note => notes.push(note),
      )
    expect(courses[0]).not.toEqual([])
    expect(courses[1]).toEqual(courses[0])
  })
})

describe('a bug that is planted', () => {
  const known = (name: string): { name: string; edits: readonly SourceEdit[] } => {
    const mutant = mutants.find(one => one.name === name)
    if (mutant === undefined) throw new Error(`there is no mutant ${name}`)
    return mutant
  }

  it.each([
    known('commit what was seen'),
    known('lose the tail on shutdown'),
    known('resume twice'),
    known('acknowledge before sync'),
    {
      name: 'pause without waiting',
      edits: [
        {
          file: 'dispatch/trigger-gate.ts',
          find: 'await this.until(() => this.#pause === undefined || this.#isProbing || this.#options.running() === 0)',
          replace: '',
        },
      ],
    },
    {
      name: 'one attempt too many',
      edits: [
        {
          file: 'dispatch/retry-decision.ts',
          find: 'attempt >= policy.maxAttempts',
          replace: 'attempt > policy.maxAttempts',
        },
      ],
    },
  ])('contradicts the reference: $name', async ({ edits }) => {
    const child = startNodeScript({
      script: join(import.meta.dirname, 'play.ts'),
      args: ['3000', 'fast'],
      ...planted(edits),
    })
    const { code } = await child.exited
    expect(code, child.lines.join('\n')).toBe(0)
    assertPlanted(child, edits)
    const run = JSON.parse(child.stdout.at(-1) ?? '') as SequencesRun
    expect(run.failure?.violations ?? []).not.toEqual([])
  })
})
