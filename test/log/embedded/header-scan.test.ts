import { describe, expect, it } from 'vitest'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { type FileLayer, nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import type { HeaderRange } from '../../../src/log/partition-log.ts'
import { LogDirectory } from './log-directory.ts'

const everything: HeaderRange = { sinceMs: 0, maxRecords: Infinity }

/** Appends events to the partitions in turns; their headers are their numbers. */
async function fill(log: EmbeddedLog, from: number, until: number, valueBytes = 50): Promise<void> {
  const value = Buffer.alloc(valueBytes, 'v')
  for (let n = from; n < until; n++) await log.append(n % 2, [{ key: null, header: Buffer.from(`h${n}`), value }])
}

async function scan(log: EmbeddedLog, range: Partial<HeaderRange> = {}): Promise<string[]> {
  const found: string[] = []
  await log.scanHeaders({ ...everything, ...range }, (partition, offset, _timestampMs, header) => {
    expect(Number(header.toString().slice(1))).toBe(offset * 2 + partition)
    found.push(header.toString())
  })
  return found
}

const headers = (from: number, until: number): string[] =>
  Array.from({ length: until - from }, (_, index) => `h${from + index}`)

/** The real files, and what was asked of them. */
function watchedFiles(): {
  files: FileLayer
  opened: string[]
  memories: Set<ArrayBufferLike>
  largestRead: () => number
} {
  const opened: string[] = []
  const memories = new Set<ArrayBufferLike>()
  let largest = 0
  const files: FileLayer = {
    ...nodeFileLayer,
    async open(path, mode, options) {
      const file = await nodeFileLayer.open(path, mode, options)
      opened.push(path)
      return {
        size: () => file.size(),
        read: (buffer, position) => {
          memories.add(buffer.buffer)
          largest = Math.max(largest, buffer.length)
          return file.read(buffer, position)
        },
        write: (buffers, position) => file.write(buffers, position),
        sync: () => file.sync(),
        truncate: length => file.truncate(length),
        close: () => file.close(),
      }
    },
  }
  return { files, opened, memories, largestRead: () => largest }
}

describe('scanning the headers of the embedded log', () => {
  it('gives every header with its place, in the order of the appends, across segments and a restart', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 4_000 })
    await fill(log, 0, 200)
    expect((await directory.segments()).length).toBeGreaterThan(4)
    expect(await scan(log)).toEqual(headers(0, 200))
    await log.close()
    expect(await scan(await directory.open({ segmentBytes: 4_000 }))).toEqual(headers(0, 200))
  })

  it('leaves out what is older than asked for, and opens no segment that holds only that', async () => {
    await using directory = await LogDirectory.create()
    const watched = watchedFiles()
    let nowMs = 1_000
    const log = await directory.open({ segmentBytes: 4_000, files: watched.files, nowMs: () => nowMs })
    await fill(log, 0, 100)
    nowMs = 2_000
    await fill(log, 100, 130)
    watched.opened.length = 0
    expect(await scan(log, { sinceMs: 2_000 })).toEqual(headers(100, 130))
    expect(watched.opened.length).toBeLessThan((await directory.segments()).length / 2)
  })

  it('reads no more segments than hold as many records as asked for', async () => {
    await using directory = await LogDirectory.create()
    const watched = watchedFiles()
    const log = await directory.open({ segmentBytes: 4_000, files: watched.files })
    await fill(log, 0, 400)
    watched.opened.length = 0
    const found = await scan(log, { maxRecords: 10 })
    expect(found.length).toBeGreaterThanOrEqual(10)
    expect(found).toEqual(headers(400 - found.length, 400))
    expect(watched.opened.length).toBeLessThanOrEqual(2)
  })

  it('opens each segment once and reads into one piece of memory, however large the values are', async () => {
    await using directory = await LogDirectory.create()
    const watched = watchedFiles()
    const log = await directory.open({ segmentBytes: 8_000_000, files: watched.files })
    await fill(log, 0, 60, 500_000)
    watched.opened.length = 0
    watched.memories.clear()
    expect(await scan(log)).toEqual(headers(0, 60))
    expect(watched.opened).toHaveLength((await directory.segments()).length)
    expect(watched.memories.size).toBe(1)
    expect(watched.largestRead()).toBeLessThanOrEqual(1_048_576)
  })

  it('tells up to when the log was written to before it was opened', async () => {
    await using directory = await LogDirectory.create()
    let nowMs = 1_000
    const log = await directory.open({ segmentBytes: 4_000, nowMs: () => nowMs })
    expect(log.foundUntilMs).toBe(0)
    await fill(log, 0, 100)
    nowMs = 2_000
    await fill(log, 100, 103)
    await log.close()
    nowMs = 1_000_000
    const again = await directory.open({ segmentBytes: 4_000, nowMs: () => nowMs })
    expect(again.foundUntilMs).toBe(2_000)
  })

  it('reads a record that is larger than a chunk, and steps over a damaged one', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    await fill(log, 0, 4)
    await fill(log, 4, 5, 3_000_000)
    await fill(log, 5, 8)
    await log.close()
    const [name] = await directory.segments()
    const file = await nodeFileLayer.open(`${directory.path}/${name}`, 'update')
    const bytes = Buffer.alloc(await file.size())
    await file.read(bytes, 0)
    await file.write([Buffer.from('H')], bytes.indexOf('h2'))
    await file.close()
    expect(await scan(await directory.open())).toEqual(['h0', 'h1', 'h3', 'h4', 'h5', 'h6', 'h7'])
  })
})

describe('browsing the embedded log', () => {
  it('gives fewer records than asked for when they are large, and goes on from there', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open()
    await fill(log, 0, 60, 1_000_000)
    const first = await log.browse(0, 0, 1_000)
    expect(first.length).toBeGreaterThan(1)
    expect(first.length).toBeLessThan(30)
    const rest = await log.browse(0, first.length, 1_000)
    expect(rest[0]!.offset).toBe(first.length)
  })
})
