import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { SectorDisk, sectorBytes } from './sector-disk.ts'

const directory = '/disk'
const path = `${directory}/file`

/** What is found at a path after many losses of power, each text once. */
async function fates(disk: SectorDisk, describeFile: (contents: Buffer) => string): Promise<Set<string>> {
  const found = new Set<string>()
  for (let seed = 0; seed < 400; seed++) {
    const image = disk.afterPowerLoss(seededRandom(seed), { hasSyncWrites: false })
    const names = await image.list(directory)
    found.add(names.includes('file') ? describeFile(image.contentsOf(path)) : 'no file')
  }
  return found
}

const letters = (contents: Buffer): string =>
  [
    ...contents
      .toString('latin1')
      .replaceAll('\0', '0')
      .matchAll(/(.)\1*/g),
  ]
    .map(([run]) => run[0])
    .join('')

async function diskWithFile(hasSyncWrites = false) {
  const disk = new SectorDisk({ hasSyncWrites })
  await disk.makeDirectory(directory)
  const file = await disk.open(path, 'create', { syncWrites: true })
  return { disk, file }
}

const bytes = (letter: string, sectors: number): Buffer[] => [Buffer.alloc(sectors * sectorBytes, letter)]

describe('a disk whose power goes', () => {
  it('keeps what was synced, whatever happens', async () => {
    const { disk, file } = await diskWithFile()
    await file.write(bytes('a', 3), 0)
    await file.sync()
    await disk.syncDirectory(directory)
    expect(await fates(disk, letters)).toEqual(new Set(['a']))
  })

  it('keeps a file with synchronous writes as it is after each of them', async () => {
    const { disk, file } = await diskWithFile(true)
    expect(file.isSynced).toBe(true)
    await disk.syncDirectory(directory)
    await file.write(bytes('a', 1), 0)
    await file.write(bytes('b', 1), sectorBytes)
    expect(await fates(disk, letters)).toEqual(new Set(['ab']))
  })

  it('lets each sector that was not synced survive, vanish or tear for itself, at any length', async () => {
    const { disk, file } = await diskWithFile()
    await file.write(bytes('a', 1), 0)
    await file.sync()
    await disk.syncDirectory(directory)
    await file.write(bytes('b', 3), 0)
    const found = await fates(disk, letters)
    for (const fate of ['a', 'b', 'ab', 'a0', 'a0b', 'b0', 'ab0b']) expect(found).toContain(fate)
    expect(await fates(disk, contents => String(Math.ceil(contents.length / sectorBytes)))).toEqual(
      new Set(['1', '2', '3']),
    )
  })

  it('may or may not know of a file that was created, and of one that was removed', async () => {
    const { disk, file } = await diskWithFile()
    await file.write(bytes('a', 1), 0)
    await file.sync()
    expect(await fates(disk, letters)).toEqual(new Set(['no file', 'a']))
    await disk.remove(path)
    expect(await fates(disk, letters)).toEqual(new Set(['no file', 'a']))
    await disk.syncDirectory(directory)
    expect(await fates(disk, letters)).toEqual(new Set(['no file']))
  })

  it('brings back either of two files that had the same name', async () => {
    const { disk, file } = await diskWithFile()
    await file.write(bytes('a', 1), 0)
    await file.sync()
    await disk.syncDirectory(directory)
    await disk.remove(path)
    const next = await disk.open(path, 'create')
    await next.write(bytes('b', 1), 0)
    await next.sync()
    expect(await fates(disk, letters)).toEqual(new Set(['a', 'b', 'no file']))
  })

  it('may give a file the sectors of one that is gone, where it got length without contents', async () => {
    const { disk, file } = await diskWithFile()
    await file.write(bytes('s', 1), 0)
    await disk.remove(path)
    const next = await disk.open(path, 'create')
    await disk.syncDirectory(directory)
    await next.write(bytes('b', 1), 0)
    const found = await fates(disk, letters)
    for (const fate of ['', 'b', '0', 's', 'bs']) expect(found).toContain(fate)
  })

  it('forgets what a failed sync could not write, and lets the next one succeed', async () => {
    let fails = true
    const disk = new SectorDisk({
      hasSyncWrites: false,
      failureOf: change => (fails && change === 'sync' ? 'EIO' : undefined),
    })
    await disk.makeDirectory(directory)
    const file = await disk.open(path, 'create')
    await disk.syncDirectory(directory)
    await file.write(bytes('a', 1), 0)
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' })
    fails = false
    await file.sync()
    expect(await fates(disk, letters)).toEqual(new Set(['0']))
  })

  it('writes a part when there is no room for all', async () => {
    const disk = new SectorDisk({
      hasSyncWrites: false,
      failureOf: change => (change === 'write' ? 'ENOSPC' : undefined),
    })
    await disk.makeDirectory(directory)
    const file = await disk.open(path, 'create')
    await expect(file.write(bytes('a', 2), 0)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(await file.size()).toBe(sectorBytes)
  })
})
