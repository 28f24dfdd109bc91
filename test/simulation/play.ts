import { scenarioOf } from './scenario.ts'
import { simulate } from './simulation.ts'

/** Plays seeds by hand: `node test/simulation/play.ts <first> [count]`; of a single one it tells every step. */
const [first = 1, count = 1] = process.argv.slice(2).map(Number)
let broken = 0
for (let seed = first; seed < first + count; seed++) {
  const { findings, digest, steps, virtualMs } = await simulate(seed, count === 1)
  for (const step of steps) console.log(step)
  if (count === 1) console.log(scenarioOf(seed))
  if (findings.length > 0) broken++
  if (findings.length > 0 || count === 1)
    console.log(`seed ${seed}: ${digest}, ${Math.round(virtualMs)} virtual ms\n  ${findings.join('\n  ')}`)
}
console.log(`${broken} of ${count} seeds have findings`)
