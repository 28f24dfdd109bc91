import type { EventMoment, KeptResult } from './event-moment.ts'

/*
 * Moments lie one behind the other in a chunk: numbers that are looked at before anything is decoded (little-endian), the
 * header of the event, the rest as JSON, the bytes of results.
 *
 *   0 length (u32) │ 4 header bytes (u32) │ 8 JSON bytes (u32) │ 12 partition (u32) │ 16 offset (f64) │ 24 at (f64) │
 *   32 time of the record (f64) │ 40 header │ JSON │ results
 */
const prefixBytes = 40

/** What stands before the texts of a moment. */
export interface MomentPrefix {
  readonly at: number
  readonly end: number
  readonly partition: number
  readonly offset: number
  readonly atMs: number
  readonly recordMs: number
  readonly header: Buffer
}

/** Encodes a moment into memory of its own. */
export function encodeMoment(moment: EventMoment): Buffer {
  const { partition, offset, atMs, recordMs, header, ...rest } = moment
  let detail: object = rest
  let results: readonly KeptResult[] = []
  if (rest.kind === 'attempt') {
    ;({ results } = rest)
    detail = { ...rest, results: results.map(({ data, ...result }) => ({ ...result, kept: data.length })) }
  }
  const json = JSON.stringify(detail)
  const jsonBytes = Buffer.byteLength(json)
  const headerBytes = header?.length ?? 0
  const length = prefixBytes + headerBytes + jsonBytes + results.reduce((sum, { data }) => sum + data.length, 0)
  const bytes = Buffer.allocUnsafe(length)
  bytes.writeUInt32LE(length, 0)
  bytes.writeUInt32LE(headerBytes, 4)
  bytes.writeUInt32LE(jsonBytes, 8)
  bytes.writeUInt32LE(partition, 12)
  bytes.writeDoubleLE(offset, 16)
  bytes.writeDoubleLE(atMs, 24)
  bytes.writeDoubleLE(recordMs, 32)
  if (header !== undefined) bytes.set(header, prefixBytes)
  let at = prefixBytes + headerBytes
  at += bytes.write(json, at)
  for (const { data } of results) {
    bytes.set(data, at)
    at += data.length
  }
  return bytes
}

/** The moments of a chunk, in their order, as far as it is whole. */
export function* momentsOf(chunk: Buffer): Generator<MomentPrefix> {
  for (let at = 0; at + prefixBytes <= chunk.length;) {
    const end = at + chunk.readUInt32LE(at)
    const headerBytes = chunk.readUInt32LE(at + 4)
    // A damaged file gives fewer moments, and no error.
    if (end > chunk.length || end < at + prefixBytes + headerBytes) return
    yield {
      at,
      end,
      partition: chunk.readUInt32LE(at + 12),
      offset: chunk.readDoubleLE(at + 16),
      atMs: chunk.readDoubleLE(at + 24),
      recordMs: chunk.readDoubleLE(at + 32),
      header: chunk.subarray(at + prefixBytes, at + prefixBytes + headerBytes),
    }
    at = end
  }
}

/** The whole of a moment; its bytes are copies. Undefined for one that is damaged. */
export function decodeMoment(chunk: Buffer, prefix: MomentPrefix): EventMoment | undefined {
  const { at, end, partition, offset, atMs, recordMs, header } = prefix
  const jsonAt = at + prefixBytes + header.length
  let dataAt = jsonAt + chunk.readUInt32LE(at + 8)
  if (dataAt > end) return undefined
  try {
    const detail = JSON.parse(chunk.toString('utf8', jsonAt, dataAt)) as EventMoment
    const place = { partition, offset, atMs, recordMs }
    const withHeader = header.length === 0 ? {} : { header: new Uint8Array(header) }
    if (detail.kind !== 'attempt') return { ...detail, ...place, ...withHeader }
    const results = (detail.results as unknown as (Omit<KeptResult, 'data'> & { kept: number })[]).map(
      ({ kept, ...result }) => {
        const data = new Uint8Array(chunk.subarray(dataAt, dataAt + kept))
        dataAt += kept
        return { ...result, data }
      },
    )
    return { ...detail, results, ...place, ...withHeader }
  } catch {
    return undefined
  }
}
