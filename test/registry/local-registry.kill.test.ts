import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { emptyState } from '../../src/registry/state-draft.ts'
import { startNodeScript } from '../support/child-process.ts'
import { openKilledRegistry, stateDigest } from './killed-registry.ts'
import { putFunction, temporaryDirectory } from './registry-fixtures.ts'

const cycles = 25

it(
  'is exactly what it answered, or one command further, whenever its process is killed',
  { timeout: 180_000 },
  async () => {
    await using directory = await temporaryDirectory()
    const dir = join(directory.path, 'registry')
    const seed = Math.floor(Math.random() * 1_000_000)
    let digest = stateDigest(emptyState)
    let answered = 0
    for (let cycle = 0; cycle < cycles; cycle++) {
      const child = startNodeScript({
        script: join(import.meta.dirname, 'kill-registry.ts'),
        args: [dir, String(seed + cycle)],
      })
      // Some are killed while they open what the one before has left.
      if (cycle % 5 !== 4) await child.waitForLine(/^open /)
      // Killed at a random moment: that is the experiment, not a wait for something.
      await delay(cycle % 5 === 4 ? 100 + Math.random() * 150 : Math.random() * 120)
      await child.kill()
      expect(child.stderr, `seed ${seed}, cycle ${cycle}`).toEqual([])

      const told = child.stdout.map(line => line.split(' ') as [string, string])
      const opened = told.find(([what]) => what === 'open')
      if (opened !== undefined) expect(opened[1], `seed ${seed}, cycle ${cycle}`).toBe(digest)
      const done = told.findLast(([what]) => what === 'done')?.[1] ?? digest
      const [last, planned] = told.at(-1) ?? ['none', '']
      // A copy, so that the next process finds what the dead one has left, and nothing else.
      const copy = join(directory.path, 'copy')
      await cp(dir, copy, { recursive: true })
      const registry = await openKilledRegistry(copy)
      digest = stateDigest(registry.state)
      await registry.close()
      await rm(copy, { recursive: true })
      const allowed = last === 'plan' ? [done, planned] : [done]
      expect(allowed, `seed ${seed}, cycle ${cycle}`).toContain(digest)
      answered += told.filter(([what]) => what === 'done').length
    }
    expect(answered).toBeGreaterThan(cycles)
    // What kills left lying about is gone after the next snapshot.
    const registry = await openKilledRegistry(dir)
    for (let i = 0; i < 5; i++) await registry.transact('test', () => [putFunction('last', i)])
    await registry.close()
    expect(await readdir(join(dir, 'snapshots'))).toHaveLength(2)
  },
)
