import type {
  AttemptView,
  EventInTrigger,
  RecentResultView,
  SinkDeliveryView,
} from '../../api/views/recent-event-view.ts'
import { isJsonMediaType, parseMediaType } from '../../events/media-type.ts'
import { parseTraceparent } from '../../events/traceparent.ts'
import type { AttemptMoment, EventMoment, KeptResult } from '../../store/event-moment.ts'

type Moment<Kind extends EventMoment['kind']> = Extract<EventMoment, { kind: Kind }>

/** What the moments of an event in one trigger tell. */
export type AttemptHistory = Pick<
  EventInTrigger,
  'waitedMs' | 'attempts' | 'results' | 'result' | 'sinks' | 'parkedAtMs' | 'finishedAtMs'
>

/** @param moments of one trigger, oldest first. Pure. */
export function historyOf(
  moments: readonly EventMoment[],
  acceptedAtMs: number | null,
  withData: boolean,
): AttemptHistory {
  const of = <Kind extends EventMoment['kind']>(kind: Kind): Moment<Kind>[] =>
    moments.filter((moment): moment is Moment<Kind> => moment.kind === kind)
  const attempts = of('attempt').map(attemptOf)
  const succeeded = of('attempt').findLast(({ outcome }) => outcome === 'succeeded')
  const [first] = attempts
  const done = of('done').at(-1)
  const parked = of('parked').at(-1)
  return {
    // Clocks of two machines, or one that was set, may say that it began before it came.
    waitedMs: first === undefined || acceptedAtMs === null ? null : Math.max(0, first.startedAtMs - acceptedAtMs),
    attempts,
    results: succeeded?.resultCount ?? null,
    result: (succeeded?.results ?? []).map(result => resultOf(result, withData)),
    sinks: of('sink').map(sinkOf),
    parkedAtMs: parked?.atMs ?? null,
    finishedAtMs: done?.atMs ?? null,
  }
}

function attemptOf(moment: AttemptMoment & { readonly atMs: number }): AttemptView {
  const { attempt, version, outcome, durationMs, reason, error, atMs, traceparent } = moment
  const trace = traceparent === undefined ? undefined : parseTraceparent(traceparent)
  return {
    attempt,
    version,
    startedAtMs: Math.round(atMs - durationMs),
    durationMs: roundedMs(durationMs),
    outcome,
    ...(reason === undefined ? {} : { reason }),
    ...(error === undefined ? {} : { error }),
    ...(trace === undefined ? {} : { traceId: trace.traceId }),
  }
}

function sinkOf({ sink, attempts, durationMs, error, atMs }: Moment<'sink'>): SinkDeliveryView {
  return {
    sink,
    outcome: error === undefined ? 'delivered' : 'failed',
    attempts,
    startedAtMs: Math.round(atMs - durationMs),
    durationMs: roundedMs(durationMs),
    ...(error === undefined ? {} : { error }),
  }
}

function resultOf({ contentType, meta, dataBytes, crc32, data }: KeptResult, withData: boolean): RecentResultView {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  const type = parseMediaType(contentType)
  const isText = type !== undefined && (type.essence.startsWith('text/') || isJsonMediaType(type))
  return {
    ...{ contentType, meta: { ...meta }, dataBytes, crc32 },
    text: isText ? bytes.toString() : null,
    ...(withData ? { dataBase64: bytes.toString('base64') } : {}),
  }
}

const roundedMs = (ms: number): number => Math.round(ms * 1000) / 1000
