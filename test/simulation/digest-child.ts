import { simulate } from './simulation.ts'

/** Prints what some seeds came to, for a comparison between processes. */
for (const seed of process.argv.slice(2).map(Number)) {
  const { digest, virtualMs, findings } = await simulate(seed)
  console.log(`${seed} ${digest} ${virtualMs} ${findings.length}`)
}
