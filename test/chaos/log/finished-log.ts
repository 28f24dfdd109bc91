import { join } from 'node:path'
import { openEmbeddedLog, type EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/options.ts'
import { partSeed, seededRandom, type Random } from '../random.ts'
import { workloadGroups, workloadPartitions, writeAndRead } from './log-workload.ts'
import { knownNow, type KnownState } from './recovered-log.ts'
import { SectorDisk } from './sector-disk.ts'
import { WrittenLog, type WrittenRecord } from './written-log.ts'

export const logDirectory = '/log'

/** Where a record lies in the files of a log. */
export interface RecordPlace {
  readonly written: WrittenRecord
  readonly file: string
  /** First byte of its value, and the byte behind the record: records end at multiples of four. */
  readonly from: number
  readonly end: number
}

/** A log that was written and closed, as bytes that a test may damage. */
export class FinishedLog {
  readonly written: WrittenLog
  readonly known: KnownState
  readonly files: ReadonlyMap<string, Buffer>
  readonly places: readonly RecordPlace[]
  readonly #segmentBytes: number

  private constructor(written: WrittenLog, files: ReadonlyMap<string, Buffer>, segmentBytes: number) {
    this.written = written
    this.known = knownNow(written)
    this.files = files
    this.places = placesOf(written, files)
    this.#segmentBytes = segmentBytes
  }

  /** Groups of one and of many records, of all partitions, with commits between them. */
  static async write(seed: number, segmentBytes: number, appends: number): Promise<FinishedLog> {
    const random = seededRandom(seed)
    const disk = new SectorDisk({ hasSyncWrites: true })
    const written = new WrittenLog(workloadPartitions)
    const log = await openEmbeddedLog(optionsOn(disk, segmentBytes, random))
    await writeAndRead(log, written, random, appends)
    await log.close()
    const names = [...(await disk.list(logDirectory))].sort()
    const files = new Map(names.map(name => [name, disk.contentsOf(join(logDirectory, name))]))
    return new FinishedLog(written, files, segmentBytes)
  }

  /** The last segment. */
  get lastFile(): string {
    return [...this.files.keys()].at(-1)!
  }

  /** Options of a log with these files, some of them replaced. */
  optionsWith(replaced: ReadonlyMap<string, Buffer>): EmbeddedLogOptions {
    const disk = new SectorDisk({ hasSyncWrites: true })
    for (const [name, contents] of this.files) disk.put(join(logDirectory, name), replaced.get(name) ?? contents)
    return optionsOn(disk, this.#segmentBytes, seededRandom(partSeed(1, this.files.size)))
  }

  /** The records of which a byte lies in a range of a file. */
  hit(file: string, from: number, end: number): ReadonlySet<string> {
    return new Set(
      this.places
        .filter(place => place.file === file && place.end > from && this.#beginOf(place) < end)
        .map(({ written }) => written.id),
    )
  }

  /** Head, key and header stand before the value: 48 bytes and what they hold. */
  #beginOf({ written, from }: RecordPlace): number {
    return from - 48 - (written.record.key?.length ?? 0) - written.record.header.length
  }
}

function optionsOn(files: SectorDisk, segmentBytes: number, random: Random): EmbeddedLogOptions {
  let nowMs = 1_700_000_000_000
  return {
    directory: logDirectory,
    stream: 'events',
    partitionCount: workloadPartitions,
    segmentBytes,
    retentionMs: null,
    retentionIntervalMs: 0,
    groups: workloadGroups,
    tailCacheBytes: 0,
    reserveBytes: 0,
    files,
    nowMs: () => nowMs++,
    monotonicMs: () => nowMs,
    random32: () => random.below(2 ** 32),
  }
}

/** Found by their values, not by what the log says of itself. */
function placesOf(written: WrittenLog, files: ReadonlyMap<string, Buffer>): RecordPlace[] {
  return [...written.records.values()].map(record => {
    for (const [file, contents] of files) {
      const from = contents.indexOf(record.record.value)
      if (from >= 0) return { written: record, file, from, end: (from + record.record.value.length + 3) & ~3 }
    }
    throw new Error(`${record.id} is in no file`)
  })
}

/** All records that a log serves to a new group, and what the group is told about those that are missing. */
export async function readAsGroup(
  log: EmbeddedLog,
): Promise<{ readonly ids: (written: WrittenLog) => string[]; readonly missing: number }> {
  const values: Buffer[] = []
  let missing = 0
  const ends = await log.ends()
  const next = ends.map(({ low }) => low)
  const done = Promise.withResolvers<void>()
  const check = (): void => {
    if (next.every((offset, partition) => offset >= ends[partition]!.end)) done.resolve()
  }
  const subscription = await log.subscribe('reader', 'earliest', {
    assigned: check,
    revoked: () => undefined,
    records: (_epoch, partition, records) => {
      for (const { value } of records) values.push(Buffer.from(value!))
      next[partition] = records.at(-1)!.offset + 1
      check()
    },
    anomaly: ({ partition, from, to }) => {
      missing += to - from
      next[partition] = to
      check()
    },
    fatal: error => done.reject(error),
  })
  await done.promise
  await subscription.close()
  return {
    ids: written => values.map(value => written.find(value)?.id ?? `bytes ${value.toString('latin1', 0, 20)}`),
    missing,
  }
}
