import { defineExperiment } from '../../chaos/experiment.ts'
import { atLeast, exactly, told } from '../../chaos/figure.ts'
import { partSeed } from '../../chaos/random.ts'
import { replayCommand, runSequences } from './run-sequences.ts'

/** Sequences that are played with one seed of fast-check. */
const chunk = 5_000
const maxFindings = 5

export const modelSequences = defineExperiment({
  name: 'model-sequences',
  proves:
    'Whatever is appended, completed, failed, paused, resumed, stopped and killed in whatever order: a reference of a hundred lines allows all that dispatch does.',
  full: { sequences: 100_000 },
  short: { sequences: 1_500 },
  async run({ size, seed, progress }) {
    const findings: string[] = []
    let played = 0
    let commands = 0
    let failed = 0
    for (let part = 0; played < size.sequences && failed < maxFindings; part++) {
      const before = played
      const run = await runSequences({
        count: Math.min(chunk, size.sequences - played),
        seed: partSeed(seed, part),
        onPlayed: count => progress(before + count, size.sequences),
      })
      played += run.played
      commands += run.commands
      if (run.failure === undefined) continue
      failed++
      findings.push(`${run.failure.violations.join('; ')}: ${replayCommand(run.failure)}`)
    }
    return {
      figures: [
        atLeast('sequences', played, size.sequences),
        exactly('sequences that contradict the reference', failed, 0),
        told('commands', commands),
      ],
      findings,
    }
  },
})
