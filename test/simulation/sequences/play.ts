import type { Command } from './command.ts'
import { playSequence } from './player.ts'
import { replayCommand, runSequences } from './run-sequences.ts'

/**
 * By hand: `node test/simulation/sequences/play.ts '<what a finding names>'` plays one sequence and tells every step;
 * `… play.ts <count> [seed]` plays some, and prints the result as JSON; `fast` as seed leaves out the shrinking.
 */
const [first = '100', seed = '1'] = process.argv.slice(2)
if (first.startsWith('[')) {
  const [commands, own] = JSON.parse(first) as [Command[], number]
  const violations = await playSequence(commands, own, note => console.log(note))
  console.log(violations.length === 0 ? 'as the reference says' : violations.join('\n'))
} else {
  const run = await runSequences({ count: Number(first), seed: Number(seed) || 1, shrinks: seed !== 'fast' })
  console.log(JSON.stringify(run))
  if (run.failure !== undefined) console.error(replayCommand(run.failure))
}
