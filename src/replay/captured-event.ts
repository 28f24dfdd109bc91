import { encodeEventHeader } from '../events/event-header-codec.ts'
import { createHomeEventReader } from '../events/home-event-reader.ts'
import { isJsonMediaType, isUtf8MediaType, parseMediaType } from '../events/media-type.ts'
import { Attempt } from '../workers/attempt.ts'
import { createSurroundings, HandlerContext, type ContextSurroundings } from '../workers/context.ts'
import { HandlerEvent } from '../workers/event-object.ts'
import { encodeFrame, FrameReader } from '../workers/frame-codec.ts'
import type { Context, SluiceEvent } from '../workers/handler-types.ts'
import type { Invocation } from '../workers/invocation.ts'
import { LogCapture } from '../workers/log-capture.ts'
import { MetricCapture } from '../workers/metric-capture.ts'
import { noMask } from '../workers/secret-mask.ts'
import type { FunctionLogEntry } from '../workers/worker-settings.ts'
import type { CapturedLine, RecordedTriggerLine } from './capture-file.ts'

export interface ReplaySurroundings {
  /** `context.env`. Default: none. */
  readonly env?: Readonly<Record<string, string>>
  /** `context.secrets`. Default: none. */
  readonly secrets?: Readonly<Record<string, string>>
  /** `context.bindings`: stand-ins of the test's own. Default: none. */
  readonly bindings?: Readonly<Record<string, unknown>>
  /** The time of one attempt. Default 30,000 ms. */
  readonly timeoutMs?: number
  /** Told of every line that the function logs by `context.logger`. */
  readonly onLog?: (entry: FunctionLogEntry) => void
}

/** One attempt of an event, with everything that a worker would make for it. */
export interface PreparedAttempt {
  readonly event: SluiceEvent
  readonly context: Context
  readonly attempt: Attempt
}

/** Over all results of one attempt; the default of a function. */
const maxResultBytes = 1024 * 1024

/** What is the same for every event of a replay. */
export function surroundingsOf(
  version: { readonly function: string; readonly version: string },
  { env = {}, secrets = {}, bindings = {}, timeoutMs = 30_000, onLog }: ReplaySurroundings,
): ContextSurroundings {
  const logs = new LogCapture(
    entries => entries.forEach(entry => onLog?.(entry)),
    () => undefined,
  )
  const metrics = new MetricCapture(() => undefined, logs, noMask)
  const settings = {
    ...version,
    ...{ environment: env, secrets, timeoutMs, maxResultBytes, concurrency: 1, batch: undefined },
  } as unknown as ContextSurroundings['settings']
  const none = { for: () => bindings, connect: () => undefined, close: () => Promise.resolve() }
  return createSurroundings(settings, logs, noMask, none as never, metrics)
}

/** Makes the objects that a worker would make: through the same frame, so that everything behaves as it does there. */
export function prepareAttempt(
  line: CapturedLine,
  trigger: string,
  attemptNumber: number,
  around: ContextSurroundings,
): PreparedAttempt {
  const { stream, partition, offset, event: header, dataBase64 } = line
  const feed = { trigger, stream, reader: createHomeEventReader(), headerDefaults: {} }
  const key = header.partitionkey === undefined ? null : Buffer.from(header.partitionkey)
  const value = dataBase64 === null ? null : Buffer.from(dataBase64, 'base64')
  const timestampMs = header.acceptedAtMs
  const invocation: Invocation = {
    feed,
    record: { offset, timestampMs, key, value, header: encodeEventHeader(header), headers: null },
    ...{ partition, attempt: attemptNumber, epoch: 1, traceparent: undefined, followsPrevious: false },
    settle: () => undefined,
  }
  const bytes = encodeFrame([invocation], { high: 0, low: 0 }, false)
  const frame = new FrameReader(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength)
  const { timeoutMs } = around.settings
  const attempt = new Attempt(frame, 0, 1, performance.now(), { timeoutMs, maxResultBytes })
  const event = new HandlerEvent(frame, frame.head(0))
  return {
    event: event as SluiceEvent,
    context: new HandlerContext(attempt, event, around) as unknown as Context,
    attempt,
  }
}

/** A result that was recorded. */
export interface RecordedValue {
  readonly contentType: string
  readonly meta: object
  readonly data: Buffer
  /** False: `data` is the beginning of a longer result. */
  readonly isWhole: boolean
  /** `data` by its content type: JSON as its value, text as a string, else the bytes. */
  readonly value: unknown
}

/** What became of an event in one trigger. */
export interface RecordedOutcome {
  readonly trigger: string
  /** `unknown`: it had not run, or how it did was not recorded. */
  readonly outcome: 'succeeded' | 'failed' | 'unknown'
  /** name@version of the function that ran its last attempt. */
  readonly version: string | undefined
  /** The number of its last attempt. */
  readonly attempt: number
  readonly error: string | undefined
  readonly results: readonly RecordedValue[]
  /** More than `results` when not all were kept. */
  readonly resultCount: number
}

export function recordedOutcome({ trigger, attempts, results, result }: RecordedTriggerLine): RecordedOutcome {
  const last = attempts.at(-1)
  return {
    trigger,
    outcome: last === undefined ? 'unknown' : last.outcome === 'succeeded' ? 'succeeded' : 'failed',
    version: last?.version,
    attempt: last?.attempt ?? 1,
    error: last?.error,
    results: result.map(one => {
      const data = Buffer.from(one.dataBase64, 'base64')
      const isWhole = data.length === one.dataBytes
      return {
        contentType: one.contentType,
        meta: one.meta,
        data,
        isWhole,
        value: valueOf(one.contentType, data, isWhole),
      }
    }),
    resultCount: results ?? result.length,
  }
}

function valueOf(contentType: string, data: Buffer, isWhole: boolean): unknown {
  const type = parseMediaType(contentType)
  if (type === undefined || !isUtf8MediaType(type)) return data
  if (!isJsonMediaType(type)) return type.essence.startsWith('text/') ? data.toString() : data
  // The beginning of JSON is none.
  return isWhole ? (JSON.parse(data.toString()) as unknown) : data.toString()
}
