import { writeSync } from 'node:fs'
import { openArtifactStore } from '../../src/functions/artifact-store.ts'

/** A process that puts artifacts and collects some of them until it is killed. It tells the hash of each that it was answered. */
const [dir, seed] = process.argv.slice(2) as [string, string]
const store = await openArtifactStore({ dir })
writeSync(1, 'open\n')
for (let i = 0; ; i++) {
  const files = new Map([
    ['index.mjs', Buffer.from(`export default () => '${seed}-${i}'`)],
    ['data/large.bin', Buffer.alloc(200_000, i)],
    ['data/small.txt', Buffer.from(`${i}`)],
  ])
  const { hash } = await store.put(files)
  writeSync(1, `put ${hash}\n`)
  // Every second one is referred to by nobody.
  if (i % 2 === 0) writeSync(1, `dropped ${hash}\n`)
  if (i % 2 === 0) await store.collect(other => other !== hash, 0)
}
