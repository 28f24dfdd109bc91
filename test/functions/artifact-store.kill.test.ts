import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { openArtifactStore } from '../../src/functions/artifact-store.ts'
import { startNodeScript, type NodeProcess } from '../support/child-process.ts'

const cycles = 10

/** It prints: open, put, dropped, put, put, dropped, put. */
async function untilTwoStay(child: NodeProcess): Promise<void> {
  await child.waitForLine(/^dropped/)
  await child.waitForLine(/^put/, { fromIndex: 3 })
  await child.waitForLine(/^dropped/, { fromIndex: 4 })
  await child.waitForLine(/^put/, { fromIndex: 6 })
}

it(
  'holds whole artifacts only, and all that it answered, whenever its process is killed',
  { timeout: 120_000 },
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'sluice-artifacts-kill-'))
    const dir = join(root, 'artifacts')
    try {
      const kept = new Set<string>()
      for (let cycle = 0; cycle < cycles; cycle++) {
        const script = join(import.meta.dirname, 'kill-artifacts.ts')
        const child = startNodeScript({ script, args: [dir, String(cycle)] })
        await child.waitForLine(/^open/)
        // The first cycles may end before anything is there; each of the others has put two that stay.
        if (cycle >= 3) await untilTwoStay(child)
        // Killed at a random moment: that is the experiment, not a wait for something.
        await delay(Math.random() * 100)
        await child.kill()
        expect(child.stderr).toEqual([])
        for (const line of child.stdout) {
          const [what, hash = ''] = line.split(' ')
          if (what === 'put') kept.add(hash)
          if (what === 'dropped') kept.delete(hash)
        }
        const store = await openArtifactStore({ dir })
        const names = await readdir(dir)
        for (const hash of names) await store.verify(hash)
        for (const hash of kept) expect(names).toContain(hash)
      }
      expect(kept.size).toBeGreaterThan(cycles)
    } finally {
      await rm(root, { recursive: true })
    }
  },
)
