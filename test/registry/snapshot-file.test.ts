import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeDurableFiles, type DurableFiles } from '../../src/functions/durable-files.ts'
import { applyCommand } from '../../src/registry/apply-command.ts'
import { decodeSnapshot, encodeSnapshot } from '../../src/registry/snapshot-codec.ts'
import { openSnapshotFiles } from '../../src/registry/snapshot-file.ts'
import { emptyState, type ReplicatedState } from '../../src/registry/state-draft.ts'
import { publish, putAlias, putFunction, putTrigger, temporaryDirectory, textOf } from './registry-fixtures.ts'

/** A state after this many commands. */
function stateAt(position: number): ReplicatedState {
  let state = emptyState
  for (let i = 0; i < position; i++) {
    const changes = [putFunction(`f-${i}`), publish(`f-${i}`, 1), putAlias(`f-${i}`, 'live', [[1, 100]]), putTrigger(`t-${i}`, `f-${i}`)] // prettier-ignore
    state = applyCommand(state, {
      format: 1,
      id: `c${i}`,
      atMs: i,
      by: 'é\u2028\n',
      expectedPosition: i,
      changes,
    }).state
  }
  return state
}

describe('snapshots', () => {
  it('give back the newest state, and keep the one before', async () => {
    await using directory = await temporaryDirectory()
    const dir = join(directory.path, 'snapshots')
    const snapshots = await openSnapshotFiles({ dir })
    expect(await snapshots.load()).toBeUndefined()
    for (const position of [3, 7, 12]) await snapshots.write(stateAt(position))
    const again = await openSnapshotFiles({ dir })
    expect(textOf((await again.load())!)).toBe(textOf(stateAt(12)))
    expect(again.releasedPosition).toBe(7)
    expect((await readdir(dir)).sort()).toEqual(['0000000000000007.snapshot', '0000000000000012.snapshot'])
  })

  it('release nothing before there are two', async () => {
    await using directory = await temporaryDirectory()
    const snapshots = await openSnapshotFiles({ dir: directory.path })
    expect(snapshots.releasedPosition).toBe(0)
    await snapshots.write(stateAt(3))
    expect(snapshots.releasedPosition).toBe(0)
    await snapshots.write(stateAt(5))
    expect(snapshots.releasedPosition).toBe(3)
  })

  it('are passed over with a warning when any byte is another or the end is missing', async () => {
    await using directory = await temporaryDirectory()
    const dir = directory.path
    const snapshots = await openSnapshotFiles({ dir })
    await snapshots.write(stateAt(1))
    await snapshots.write(stateAt(2))
    const path = join(dir, '0000000000000002.snapshot')
    const whole = await readFile(path)
    const damaged = [whole.subarray(0, 0), whole.subarray(0, whole.length - 1), whole.subarray(0, whole.length >> 1)]
    for (let at = 0; at < whole.length; at += 97) {
      const flipped = Buffer.from(whole)
      flipped[at] = flipped[at]! ^ 1
      damaged.push(flipped)
    }
    for (const bytes of damaged) {
      await writeFile(path, bytes)
      const warnings: string[] = []
      const again = await openSnapshotFiles({ dir, onWarning: warning => warnings.push(warning) })
      expect((await again.load())?.position).toBe(1)
      expect(warnings).toEqual([expect.stringContaining(`${path} is damaged and passed over`)])
      // What the damaged one was to cover must stay in the log.
      expect(again.releasedPosition).toBe(0)
    }
  })

  it('that are all damaged leave nothing, with a warning each', async () => {
    await using directory = await temporaryDirectory()
    const dir = directory.path
    const snapshots = await openSnapshotFiles({ dir })
    for (const position of [1, 2]) await snapshots.write(stateAt(position))
    for (const name of await readdir(dir)) await writeFile(join(dir, name), 'x')
    const warnings: string[] = []
    const again = await openSnapshotFiles({ dir, onWarning: warning => warnings.push(warning) })
    expect(await again.load()).toBeUndefined()
    expect(warnings).toHaveLength(2)
  })

  it('under the name of another position do not count', async () => {
    await using directory = await temporaryDirectory()
    const dir = directory.path
    await writeFile(join(dir, '0000000000000009.snapshot'), Buffer.concat([...encodeSnapshot(stateAt(2))]))
    const snapshots = await openSnapshotFiles({ dir })
    expect(await snapshots.load()).toBeUndefined()
  })

  it('of a newer Sluice are refused, not passed over', async () => {
    await using directory = await temporaryDirectory()
    const dir = directory.path
    const newer = Buffer.concat([...encodeSnapshot(stateAt(2))])
      .toString()
      .replace('"format":1', '"format":2')
    const body = newer.slice(0, newer.lastIndexOf('\n', newer.length - 2) + 1)
    const bytes = `${body}{"sha256":"${createHash('sha256').update(body).digest('hex')}"}\n`
    expect(() => decodeSnapshot(Buffer.from(bytes))).toThrow(/format 2/)
    await writeFile(join(dir, '0000000000000002.snapshot'), bytes)
    const snapshots = await openSnapshotFiles({ dir })
    await expect(snapshots.load()).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_UNKNOWN_COMMAND' })
  })

  it.each(['open', 'rename', 'syncDirectory'] as const)(
    'stay as they were when %s fails, and leave nothing behind',
    async operation => {
      await using directory = await temporaryDirectory()
      const dir = directory.path
      let isBroken = false
      const files: DurableFiles = { ...nodeDurableFiles }
      const original = files[operation] as (...args: unknown[]) => Promise<never>
      Object.assign(files, {
        [operation]: (...args: unknown[]) =>
          isBroken
            ? Promise.reject(Object.assign(new Error('ENOSPC: planted'), { code: 'ENOSPC' }))
            : original(...args),
      })
      const snapshots = await openSnapshotFiles({ dir, files })
      await snapshots.write(stateAt(1))
      isBroken = true
      await expect(snapshots.write(stateAt(2))).rejects.toMatchObject({ code: 'SLUICE_STORE_WRITE' })
      isBroken = false
      expect(snapshots.releasedPosition).toBe(0)
      await snapshots.write(stateAt(3))
      expect((await (await openSnapshotFiles({ dir })).load())?.position).toBe(3)
      expect((await readdir(dir)).sort()).toEqual(['0000000000000001.snapshot', '0000000000000003.snapshot'])
    },
  )

  it('that a crash left half written are removed at the next start', async () => {
    await using directory = await temporaryDirectory()
    const dir = directory.path
    await writeFile(join(dir, '.unfinished-4711'), 'half')
    await openSnapshotFiles({ dir })
    expect(await readdir(dir)).toEqual([])
  })
})
