import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { EventHeader } from '../events/event-header.ts'
import type { ResultMeta } from '../sinks/function-result.ts'

/*
 * A capture: JSON lines. The first says what it is, every other is one event as `GET /v1/recent-events?data=true` tells it.
 * docs/replay.md describes what is read of it; fields that are not known are ignored, so that a later version can add some.
 */
export const captureFormat = 'sluice-capture/1'

/** What was recorded of one result. */
export interface RecordedResultLine {
  readonly contentType: string
  readonly meta: ResultMeta
  /** Length and CRC-32 of the whole, of which a capture has at most the first 4 KiB. */
  readonly dataBytes: number
  readonly crc32: number
  readonly dataBase64: string
}

/** What was recorded of an event in one trigger. */
export interface RecordedTriggerLine {
  readonly trigger: string
  readonly state: string
  readonly attempts: readonly {
    readonly attempt: number
    readonly version: string
    readonly outcome: string
    readonly error?: string
  }[]
  /** How many results the attempt that succeeded had; null: not known. */
  readonly results: number | null
  readonly result: readonly RecordedResultLine[]
}

/** One event of a capture. */
export interface CapturedLine {
  readonly stream: string
  readonly partition: number
  readonly offset: number
  readonly event: EventHeader
  readonly dataBase64: string | null
  readonly triggers: readonly RecordedTriggerLine[]
}

export interface CaptureFile {
  readonly capturedAtMs: number
  readonly lines: readonly CapturedLine[]
}

/**
 * @param name of the file, for problems.
 * @throws {SluiceError} SLUICE_REPLAY_CAPTURE with the line that cannot be used.
 */
export function parseCapture(text: string, name: string): CaptureFile {
  const rows = text.split('\n')
  const first = rowOf(rows[0] ?? '', name, 1)
  const { format, capturedAtMs } = first
  if (format !== captureFormat) {
    const what = typeof format === 'string' ? `has the format ${format.slice(0, 100)}` : 'is no capture'
    throw problem(name, 1, `it ${what}; this Sluice reads ${captureFormat}, made by sluice capture`)
  }
  const lines: CapturedLine[] = []
  for (const [index, row] of rows.entries()) {
    if (index === 0 || row.trim() === '') continue
    lines.push(lineOf(rowOf(row, name, index + 1), name, index + 1))
  }
  return { capturedAtMs: typeof capturedAtMs === 'number' ? capturedAtMs : 0, lines }
}

function rowOf(text: string, name: string, line: number): Record<string, unknown> {
  let row: unknown
  try {
    row = JSON.parse(text)
  } catch (error) {
    throw problem(name, line, `it is no JSON: ${messageOf(error)}`)
  }
  if (isRecord(row)) return row
  throw problem(name, line, 'it is no object')
}

function lineOf(row: Record<string, unknown>, name: string, line: number): CapturedLine {
  const check = (holds: boolean, what: string): void => {
    if (!holds) throw problem(name, line, what)
  }
  const { stream, partition, offset, event, dataBase64, triggers } = row
  check(typeof stream === 'string', 'stream must be a text')
  check(isCount(partition) && isCount(offset), 'partition and offset must be whole numbers')
  check(isRecord(event), 'event must be an object: capture with sluice capture, or with data=true')
  const attributes = event as Record<string, unknown>
  for (const attribute of ['id', 'source', 'type'])
    check(typeof attributes[attribute] === 'string', `event.${attribute} must be a text`)
  check(dataBase64 === null || typeof dataBase64 === 'string', 'dataBase64 must be a text, or null')
  check(Array.isArray(triggers), 'triggers must be a list')
  const told = (triggers as unknown[]).map(trigger => {
    check(isRecord(trigger) && typeof trigger['trigger'] === 'string', 'each of triggers must name its trigger')
    const { attempts = [], result = [], results = null, ...rest } = trigger as unknown as Partial<RecordedTriggerLine>
    check(Array.isArray(attempts) && Array.isArray(result), 'attempts and result must be lists')
    return { ...rest, attempts, result, results } as RecordedTriggerLine
  })
  const place = { stream, partition, offset } as Pick<CapturedLine, 'stream' | 'partition' | 'offset'>
  const { acceptedAtMs, hops } = attributes
  const header = {
    ...attributes,
    acceptedAtMs: isCount(acceptedAtMs) ? acceptedAtMs : 0,
    hops: isCount(hops) ? hops : 0,
  } as unknown as EventHeader
  return { ...place, event: header, dataBase64: dataBase64 as string | null, triggers: told }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

export function problem(name: string, line: number, what: string): SluiceError {
  return new SluiceError('SLUICE_REPLAY_CAPTURE', `${name}, line ${line}: ${what}`, { details: { file: name, line } })
}
