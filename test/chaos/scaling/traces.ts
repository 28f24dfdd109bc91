import { runTraces } from '../../controller/random-traces.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, exactly, told } from '../figure.ts'
import { partSeed } from '../random.ts'

const atATime = 2_000
const mostResizesPerMinute = 30

export const scalingTraces = defineExperiment({
  name: 'scaling-traces',
  proves:
    'Whatever figures the controller gets, nonsense and jumping clocks among them: bounds are kept, the unknown holds, a constant load converges, and resizes are few.',
  full: { traces: 1_000_000 },
  short: { traces: 4_000 },
  run({ size, seed, progress }) {
    const findings: string[] = []
    let decisions = 0
    let most = 0
    let longestS = 0
    let broken = 0
    for (let done = 0; done < size.traces; done += atATime) {
      const report = runTraces(Math.min(atATime, size.traces - done), partSeed(seed, done / atATime))
      decisions += report.decisions
      most = Math.max(most, report.mostResizesPerMinute)
      longestS = Math.max(longestS, report.longestConvergenceS)
      broken += report.problems.length
      findings.push(...report.problems.slice(0, 20 - findings.length))
      progress(done + atATime, size.traces, `${broken} problems`)
    }
    return Promise.resolve({
      figures: [
        atLeast('traces', size.traces, size.traces),
        exactly('traces in which a rule was broken', broken, 0),
        atMost('most resizes within a minute', most, mostResizesPerMinute),
        told('decisions', decisions),
        told('longest time until a constant load had its workers', longestS, 's'),
      ],
      findings,
    })
  },
})
