import { copyFile, mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { numbered, RecordCollector, recordOf } from '../../conformance/record-collector.ts'
import { LogDirectory, seededRandom } from './log-directory.ts'

const contents = async (log: EmbeddedLog, partition: number): Promise<string[]> =>
  (await log.browse(partition, 0, Infinity)).map(({ offset, value }) => `${offset}:${value!.toString()}`)

async function onlySegment(directory: LogDirectory): Promise<string> {
  const [name] = await directory.segments()
  return join(directory.path, name!)
}

describe('recovery of the embedded log', () => {
  it('gives back every complete record whatever byte the file ends at', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    const lengths: number[] = []
    for (const value of numbered('value-', 4)) {
      lengths.push(log.stats().bytes)
      await log.append(0, [recordOf(value)])
    }
    await log.close()
    const path = await onlySegment(directory)
    const whole = await readFile(path)
    for (let end = lengths[1]!; end <= whole.length; end++) {
      await writeFile(path, whole.subarray(0, end))
      const again = await directory.open()
      const complete = lengths.filter(length => length <= end).length - (end === whole.length ? 0 : 1)
      expect(await contents(again, 0)).toEqual(numbered('value-', complete).map((value, i) => `${i}:${value}`))
      expect(again.stats()).toMatchObject({ damaged: 0 })
      expect(await again.append(0, [recordOf('next')])).toBe(complete)
      await again.close()
    }
  })

  it('keeps the complete records of a torn group', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    await Promise.all(numbered('v', 10).map(value => log.append(0, [recordOf(value)])))
    await log.close()
    const path = await onlySegment(directory)
    await truncate(path, (await readFile(path)).length - 10)
    const again = await directory.open()
    expect(await contents(again, 0)).toEqual(numbered('v', 9).map((value, i) => `${i}:${value}`))
    expect(again.stats().damaged).toBe(0)
    expect(again.stats().truncatedBytes).toBeGreaterThan(0)
  })

  it.each([
    ['garbage', (): Buffer => Buffer.from(Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7919) & 255))],
    ['zeros', (): Buffer => Buffer.alloc(5_000)],
  ])('cuts %s behind the last record', async (_name, tail) => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    await log.append(0, [recordOf('a')])
    await log.close()
    const path = await onlySegment(directory)
    await writeFile(path, tail(), { flag: 'a' })
    const again = await directory.open()
    expect(await contents(again, 0)).toEqual(['0:a'])
    await again.append(0, [recordOf('b')])
    await again.close()
    expect(await contents(await directory.open(), 0)).toEqual(['0:a', '1:b'])
  })

  it('finds every flipped bit and loses the hit record only', { timeout: 120_000 }, async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    // Groups of one, of several and of records of both partitions, with commits between them.
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    for (let i = 0; i < 12; i++) {
      await Promise.all(numbered(`v${i}-`, i).map((value, n) => log.append(n % 2, [recordOf(value.padEnd(40, '.'))])))
      if (i % 4 === 0) await group.commit(0, i)
    }
    const expected = [await contents(log, 0), await contents(log, 1)]
    await log.close()
    const path = await onlySegment(directory)
    const whole = await readFile(path)
    const random = seededRandom(20_261_123)
    const name = path.slice(path.lastIndexOf('/') + 1)
    for (let flip = 0; flip < 200; flip++) {
      const bit = Math.floor(random() * whole.length * 8)
      const at = bit >> 3
      const flipped = Buffer.from(whole)
      flipped[at] = flipped[at]! ^ (1 << (bit & 7))
      const place = join(directory.path, `flip-${flip}`)
      await mkdir(place)
      await writeFile(join(place, name), flipped)
      const again = await directory.open({ directory: place })
      const held = [await contents(again, 0), await contents(again, 1)]
      const lost = [0, 1].flatMap(partition => expected[partition]!.filter(line => !held[partition]!.includes(line)))
      const invented = [0, 1].flatMap(partition =>
        held[partition]!.filter(line => !expected[partition]!.includes(line)),
      )
      expect(invented, `bit ${bit}`).toEqual([])
      expect(lost.length, `bit ${bit} lost ${lost.join()}`).toBeLessThanOrEqual(1)
      const { damaged, truncatedBytes } = again.stats()
      // The head of the file is not needed to read it; everywhere else a flip must show.
      if (at >= 16) expect(damaged + truncatedBytes, `bit ${bit}`).toBeGreaterThan(0)
      if (lost.length === 1 && damaged > 0) expect(await readdir(join(place, 'corrupt'))).toHaveLength(1)
      await again.close()
      await rm(place, { recursive: true })
    }
  })

  it('tells a subscriber about a damaged record and goes on behind it', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    await Promise.all(numbered('value-', 10).map(value => log.append(0, [recordOf(value)])))
    await log.close()
    const path = await onlySegment(directory)
    const whole = await readFile(path)
    whole[whole.indexOf('value-4')] = 0
    await writeFile(path, whole)
    const again = await directory.open()
    const group = await RecordCollector.subscribe(again, 'g', 'earliest')
    await group.count(9)
    expect(group.values(0)).toEqual(numbered('value-', 10).filter(value => value !== 'value-4'))
    expect(group.anomalies).toEqual([{ partition: 0, kind: 'damaged', from: 4, to: 5 }])
    expect(group.violations).toEqual([])
  })

  it('opens a segment whose checkpoint is damaged by reading the ones before', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 2_000 })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    for (const value of numbered('value-', 60)) await log.append(0, [recordOf(value.padEnd(60, '.'))])
    await group.count(60)
    await group.commit(0, 7)
    await log.close()
    const names = await directory.segments()
    expect(names.length).toBeGreaterThan(3)
    for (const damagedName of names) {
      const copy = join(directory.path, 'copy')
      await mkdir(copy)
      for (const name of names) await copyFile(join(directory.path, name), join(copy, name))
      const bytes = await readFile(join(copy, damagedName))
      const at = bytes.indexOf('createdMs')
      bytes[at] = 0
      await writeFile(join(copy, damagedName), bytes)
      const again = await directory.open({ directory: copy, segmentBytes: 2_000 })
      expect(await contents(again, 0)).toHaveLength(60)
      expect((await again.committed('g')).get(0)).toBe(7)
      expect((await again.ends())[0]).toEqual({ low: 0, end: 60 })
      await again.close()
      await rm(copy, { recursive: true })
    }
  })

  it('goes on in the segment before when the last one was torn while it was begun', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 2_000 })
    for (const value of numbered('value-', 40)) await log.append(0, [recordOf(value.padEnd(60, '.'))])
    const before = await contents(log, 0)
    await log.close()
    const last = (await directory.segments()).at(-1)!
    const torn = last.replace(/^\d+/, digits => String(Number(digits) + 1_000).padStart(16, '0'))
    for (const size of [0, 7, 16, 40, 60]) {
      const head = await readFile(join(directory.path, last))
      await writeFile(join(directory.path, torn), head.subarray(0, size))
      const again = await directory.open({ segmentBytes: 2_000 })
      expect(await contents(again, 0)).toEqual(before)
      await again.close()
      expect(await directory.segments()).not.toContain(torn)
    }
  })

  it('counts the damage to a segment of which nothing is left, and keeps its bytes', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 500 })
    for (const value of numbered('value-', 10)) await log.append(0, [recordOf(value.padEnd(200, '.'))])
    await log.close()
    const [first] = await directory.segments()
    const path = join(directory.path, first!)
    const lost = (await readFile(path)).toString('latin1').match(/value-/g)!.length
    await writeFile(path, Buffer.alloc((await readFile(path)).length, 7))
    const again = await directory.open({ segmentBytes: 500 })
    expect((await again.ends())[0]).toEqual({ low: lost, end: 10 })
    expect(again.stats().damaged).toBe(1)
    expect(await readdir(join(directory.path, 'corrupt'))).toHaveLength(1)
  })

  it('takes no record of another segment for one of its own', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 500 })
    for (const value of numbered('value-', 3)) await log.append(0, [recordOf(value.padEnd(300, '.'))])
    await log.close()
    const [first, second, third] = await directory.segments()
    // Blocks of a segment that is gone come up again behind the last record of the one before.
    const stale = await readFile(join(directory.path, second!))
    await rm(join(directory.path, second!))
    await rm(join(directory.path, third!))
    await writeFile(join(directory.path, first!), stale.subarray(16), { flag: 'a' })
    const again = await directory.open({ segmentBytes: 500 })
    expect((await contents(again, 0)).map(line => line.slice(0, 9))).toEqual(['0:value-0'])
    expect(again.stats().truncatedBytes).toBe(stale.length - 16)
  })

  it('never gives an offset again that a group has completed', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    await log.append(0, [recordOf('a'), recordOf('damaged one')])
    await group.count(2)
    await group.commit(0, 2)
    await log.close()
    const path = await onlySegment(directory)
    const whole = await readFile(path)
    whole[whole.indexOf('damaged one')] = 0
    await writeFile(path, whole)
    const again = await directory.open()
    expect(await again.append(0, [recordOf('b')])).toBe(2)
  })

  it('refuses a format it does not know, and fewer partitions than there are', async () => {
    await using directory = await LogDirectory.create()
    await (await directory.open({ partitionCount: 3 })).close()
    await expect(directory.open({ partitionCount: 2 })).rejects.toMatchObject({ code: 'SLUICE_CONFIG_INVALID' })
    const grown = await directory.open({ partitionCount: 5 })
    expect(await grown.append(4, [recordOf('a')])).toBe(0)
    await grown.close()
    const path = await onlySegment(directory)
    const bytes = await readFile(path)
    bytes.writeUInt16LE(2, 6)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 12)), 12)
    await writeFile(path, bytes)
    await expect(directory.open({ partitionCount: 5 })).rejects.toMatchObject({ code: 'SLUICE_LOG_CORRUPT' })
    expect(await readFile(path)).toEqual(bytes)
  })
})
