import { join } from 'node:path'
import { SluiceError } from '../../errors/sluice-error.ts'
import { createByteBlock } from './byte-block.ts'
import { CommittedOffsets, type OffsetCommit } from './committed-offsets.ts'
import { saveCorruptBytes } from './corrupt-bytes.ts'
import type { LogFile } from './file-layer.ts'
import type { ResolvedOptions } from './options.ts'
import {
  groupBytes,
  groupLengthOf,
  jsonOf,
  lengthOf,
  offsetOf,
  partitionOf,
  recordType,
  timestampOf,
  typeOf,
} from './record-codec.ts'
import { SegmentReader } from './segment-reader.ts'
import {
  type Checkpoint,
  formatVersion,
  parseSegmentName,
  type Segment,
  segmentHeadBytes,
  versionOf,
} from './segment.ts'

/** A log as it was found on disk. */
export interface RecoveredLog {
  readonly segments: Segment[]
  /** End offset by partition. */
  readonly ends: number[]
  readonly committed: CommittedOffsets
  /** When the last event was written, or the last segment was begun; 0 for a new log. */
  readonly untilMs: number
  /** Sequence of the next record. */
  readonly sequence: number
  /** Damaged ranges that were stepped over. */
  readonly damaged: number
  /** Bytes of a torn tail that were cut away. */
  readonly truncatedBytes: number
}

interface FoundSegment {
  readonly name: string
  readonly marker: number
  readonly sequence: number
  readonly fileBytes: number
  readonly checkpoint: Checkpoint | undefined
}

interface Scan {
  /** File position after the last valid record. */
  validEnd: number
  /** Where the last commit group begins, and where it should end as its head says. */
  groupStart: number
  groupEnd: number
  groups: number
  nextSequence: number
  newestMs: number
  readonly damage: { readonly at: number; readonly bytes: number }[]
  /** First offset seen, by partition. */
  readonly first: Map<number, number>
}

/**
 * Finds the segments of a stream and the state of the log: the newest checkpoint plus what was written after it, so
 * only the last segment is read. Its tail is cut behind the last valid record; nothing else is ever cut.
 */
export async function recoverLog(options: ResolvedOptions): Promise<RecoveredLog> {
  const { files, directory } = options
  await files.makeDirectory(directory)
  const names = (await files.list(directory)).filter(name => parseSegmentName(name) !== undefined).sort()
  const found: FoundSegment[] = []
  for (const name of names) found.push(await inspect(options, name))

  let ends = new Array<number>(options.partitionCount).fill(0)
  const committed = new CommittedOffsets()
  let sequence = found[0]?.sequence ?? 0
  const base = found.findLastIndex(segment => segment.checkpoint !== undefined)
  const checkpoint = found[base]?.checkpoint
  if (checkpoint !== undefined) {
    if (checkpoint.ends.length > options.partitionCount) throw shrunk(options, checkpoint.ends.length)
    ends = ends.map((_, partition) => checkpoint.ends[partition] ?? 0)
    for (const [group, offsets] of checkpoint.groups) committed.apply({ group, offsets })
  }

  const scans = new Map<number, Scan>()
  for (let index = Math.max(0, base); index < found.length; index++) {
    const scan = await scanSegment(options, found[index]!, ends, committed)
    scans.set(index, scan)
    sequence = Math.max(sequence, scan.nextSequence)
  }
  // Offsets that a group has completed must not be given to new records, even if damage took the records themselves.
  for (const partition of ends.keys()) ends[partition] = Math.max(ends[partition]!, committed.highest(partition))

  if (ends.length > options.partitionCount) throw shrunk(options, ends.length)

  const segments = await describe(options, found, scans, ends)
  const tail = await repairTail(options, found, segments, scans.get(found.length - 1))
  let damaged = tail.damaged
  for (const [index, scan] of scans) {
    const segment = segments[index]
    if (segment === undefined) continue
    for (const { at, bytes } of scan.damage) {
      if (at >= segment.bytes) continue
      damaged += 1
      await saveCorruptBytes(files, directory, segment, at, bytes)
    }
  }
  const untilMs = Math.max(checkpoint?.createdMs ?? 0, ...[...scans.values()].map(scan => scan.newestMs))
  return {
    segments: placed(segments),
    ends,
    committed,
    untilMs,
    sequence,
    damaged,
    truncatedBytes: tail.truncatedBytes,
  }
}

/** Gives each segment its position: they follow one another. */
function placed(segments: readonly Segment[]): Segment[] {
  let start = 0
  return segments.map(segment => {
    const bytes = (segment.bytes + 3) & ~3
    const result = { ...segment, bytes, start }
    start += bytes
    return result
  })
}

async function inspect({ files, directory }: ResolvedOptions, name: string): Promise<FoundSegment> {
  const { sequence, marker } = parseSegmentName(name)!
  const file = await files.open(join(directory, name), 'read')
  try {
    const fileBytes = await file.size()
    const head = createByteBlock(segmentHeadBytes)
    const version = versionOf(head, await file.read(head.bytes, 0))
    if (version !== undefined && version !== formatVersion)
      throw new SluiceError(
        'SLUICE_LOG_CORRUPT',
        `${join(directory, name)} has format version ${version}; this Sluice reads ${formatVersion}. Use the version that wrote it.`,
      )
    const at = segmentHeadBytes
    const part = fileBytes > at ? await new SegmentReader(file, marker).read(at, fileBytes, sequence) : undefined
    let checkpoint: Checkpoint | undefined
    if (
      part?.kind === 'records' &&
      part.bytes > groupBytes &&
      typeOf(part.block.view, groupBytes) === recordType.checkpoint
    )
      checkpoint = jsonOf(part.block, groupBytes) as Checkpoint
    return { name, sequence, marker, fileBytes, checkpoint }
  } finally {
    await file.close()
  }
}

/** Reads all of a segment; `ends` and `committed` are brought up to date with what it holds. */
async function scanSegment(
  { files, directory }: ResolvedOptions,
  segment: FoundSegment,
  ends: number[],
  committed: CommittedOffsets,
): Promise<Scan> {
  const scan: Scan = {
    ...{ validEnd: 0, groupStart: 0, groupEnd: 0, groups: 0, newestMs: 0 },
    ...{ nextSequence: segment.sequence, damage: [], first: new Map() },
  }
  const file = await files.open(join(directory, segment.name), 'read')
  const reader = new SegmentReader(file, segment.marker)
  try {
    for (let at = segmentHeadBytes; at < segment.fileBytes;) {
      const part = await reader.read(at, segment.fileBytes, scan.nextSequence)
      if (part.kind === 'damage') scan.damage.push({ at, bytes: part.bytes })
      else {
        const { block, bytes } = part
        const { view } = block
        for (let local = 0; local < bytes; local += lengthOf(view, local)) {
          const type = typeOf(view, local)
          if (type === recordType.group) {
            scan.groups += 1
            scan.groupStart = at + local
            scan.groupEnd = scan.groupStart + groupBytes + groupLengthOf(view, local)
          } else if (type === recordType.commit) committed.apply(jsonOf(block, local) as OffsetCommit)
          else if (type === recordType.event) {
            const partition = partitionOf(view, local)
            const offset = offsetOf(view, local)
            scan.newestMs = Math.max(scan.newestMs, timestampOf(view, local))
            if (!scan.first.has(partition)) scan.first.set(partition, offset)
            while (ends.length <= partition) ends.push(0)
            ends[partition] = Math.max(ends[partition]!, offset + 1)
          }
        }
        scan.validEnd = at + bytes
        scan.nextSequence = part.nextSequence
      }
      at += part.bytes
    }
  } finally {
    await reader.close()
  }
  return scan
}

/** Segments with their place and first offsets; one without a checkpoint is read for them, and what it lost is known then. */
async function describe(
  options: ResolvedOptions,
  found: readonly FoundSegment[],
  scans: Map<number, Scan>,
  ends: readonly number[],
): Promise<Segment[]> {
  const segments: Segment[] = []
  let next: { offsets: readonly number[]; createdMs: number } = { offsets: ends, createdMs: options.nowMs() }
  for (let index = found.length - 1; index >= 0; index--) {
    const { name, marker, sequence, fileBytes, checkpoint } = found[index]!
    let offsets: readonly number[]
    if (checkpoint !== undefined) offsets = ends.map((_, partition) => checkpoint.ends[partition] ?? 0)
    else {
      const scan = scans.get(index) ?? (await scanSegment(options, found[index]!, [], new CommittedOffsets()))
      scans.set(index, scan)
      offsets = next.offsets.map((offset, partition) => scan.first.get(partition) ?? offset)
    }
    const createdMs = checkpoint?.createdMs ?? next.createdMs
    segments.unshift({ name, marker, sequence, start: 0, bytes: fileBytes, offsets, createdMs })
    next = { offsets, createdMs }
  }
  return segments
}

/**
 * Cuts what follows the last valid record of the last segment. If the file ends before the last commit group does, the
 * group was torn by a crash and never acknowledged. Otherwise it may be damage to acknowledged records: then it
 * counts, and its bytes are kept. A valid record is kept in both cases, acknowledged or not.
 */
async function repairTail(
  { files, directory }: ResolvedOptions,
  found: readonly FoundSegment[],
  segments: Segment[],
  scan: Scan | undefined,
): Promise<{ damaged: number; truncatedBytes: number }> {
  const last = segments.at(-1)
  if (last === undefined || scan === undefined) return { damaged: 0, truncatedBytes: 0 }
  const { fileBytes } = found.at(-1)!
  const truncatedBytes = fileBytes - scan.validEnd
  let damaged = 0
  const isWholeGroup = scan.groupEnd > scan.validEnd && scan.groupEnd <= fileBytes
  if (truncatedBytes > 0 && (isWholeGroup || scan.validEnd === 0)) {
    damaged = isWholeGroup ? 1 : 0
    await saveCorruptBytes(files, directory, last, scan.validEnd, truncatedBytes)
  }
  const path = join(directory, last.name)
  if (scan.validEnd === 0) {
    // Nothing in it was ever valid: the crash came while it was begun.
    await files.remove(path)
    await files.syncDirectory(directory)
    segments.pop()
  } else {
    const file = await files.open(path, 'update')
    try {
      if (truncatedBytes > 0) await file.truncate(scan.validEnd)
      // A killed process leaves records that are in the page cache only: they are durable before anyone is given them.
      // After a sync that failed the kernel takes them for written, so they are written once more: the last group, and
      // the beginning of a segment with its first one, is what the process may have been about to sync.
      await writeAgain(file, scan.groups > 2 ? scan.groupStart : 0, scan.validEnd)
      await file.sync()
    } finally {
      await file.close()
    }
    // The name as well: the process may have died between the sync of a new segment and that of its directory.
    await files.syncDirectory(directory)
    last.bytes = scan.validEnd
  }
  return { damaged, truncatedBytes }
}

const copyBytes = 1_048_576

/** Writes what a file holds between two positions to where it is. */
async function writeAgain(file: LogFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += copyBytes) {
    const bytes = Buffer.allocUnsafe(Math.min(copyBytes, to - at))
    const filled = await file.read(bytes, at)
    await file.write([bytes.subarray(0, filled)], at)
  }
}

function shrunk({ stream, partitionCount }: ResolvedOptions, existing: number): SluiceError {
  return new SluiceError(
    'SLUICE_CONFIG_INVALID',
    `stream ${stream} has ${existing} partitions and cannot be shrunk to ${partitionCount}; configure at least ${existing}`,
    { details: { stream, partitions: existing } },
  )
}
