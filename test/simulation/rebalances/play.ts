import { simulateRebalances } from './rebalance-simulation.ts'

/** By hand: `node test/simulation/rebalances/play.ts <first> [count]`; of a single seed it tells every step. */
const [first = 1, count = 1] = process.argv.slice(2).map(Number)
let broken = 0
let refused = 0
let rebalances = 0
for (let seed = first; seed < first + count; seed++) {
  const result = await simulateRebalances(seed, count === 1 ? note => console.log(note) : undefined)
  refused += result.refusedCommits
  rebalances += result.rebalances
  if (result.findings.length === 0) continue
  broken++
  console.log(`seed ${seed}:\n  ${result.findings.join('\n  ')}`)
}
console.log(`${broken} of ${count} seeds have findings; ${rebalances} rebalances, ${refused} commits refused`)
