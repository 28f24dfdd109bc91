import { basename } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { SluiceError } from '../errors/sluice-error.ts'
import type { FunctionResult } from '../sinks/function-result.ts'
import { createInitContext, type ContextSurroundings } from '../workers/context.ts'
import { loadFunction, LoadFailure, type LoadedFunction } from '../workers/handler-loader.ts'
import { describeThrown } from '../workers/invocation-error.ts'
import { failedItems } from '../workers/batch-report.ts'
import type { EncodedResult } from '../workers/result-encoding.ts'
import { parseCapture, problem, type CapturedLine, type RecordedTriggerLine } from './capture-file.ts'
import { prepareAttempt, surroundingsOf, type ReplaySurroundings } from './captured-event.ts'
import { compareOutcome, type Comparison, type ReplayedOutcome } from './compare-outcome.ts'
import { textOf } from './read-capture.ts'
import { stepIn } from './step-in.ts'

export interface ReplayRequest extends ReplaySurroundings {
  readonly capture: string
  /** Absolute path of the module. */
  readonly functionFile: string
  /** Default `default`. */
  readonly handler?: string | undefined
  /** Whose records are compared with. Default: the only one of the capture that ran anything. */
  readonly trigger?: string | undefined
  /** Whether the handler takes batches: each event is one of its own. */
  readonly batch?: boolean | undefined
  /** Waits for a debugger on this port before the function is loaded, and stops in front of each call. 0: any. */
  readonly inspectPort?: number | undefined
  /** The debugger can connect there. */
  readonly onInspecting?: (url: string) => void
}

/** What a batch handler's report says of the only event of its batch. */
const reported = 'the handler reported the item as failed'

export interface ReplayedEvent extends Comparison {
  readonly id: string
  readonly key: string | null
  readonly stream: string
  readonly partition: number
  readonly offset: number
  readonly durationMs: number
  readonly stack?: string
}

export interface ReplayReport {
  readonly trigger: string
  readonly function: string
  readonly events: readonly ReplayedEvent[]
}

/**
 * Runs captured events through a function in this process, one after the other, and compares with what was recorded.
 * @throws {SluiceError} SLUICE_REPLAY_CAPTURE, SLUICE_REPLAY_TRIGGER when it is not clear whose records count, and
 *   SLUICE_FUNCTIONS_LOAD.
 */
export async function replay(request: ReplayRequest): Promise<ReplayReport> {
  const { capture, functionFile, handler = 'default', inspectPort } = request
  const { lines } = parseCapture(textOf(capture), capture)
  const trigger = triggerOf(lines, request.trigger)
  if (inspectPort !== undefined) await inspect(inspectPort, request.onInspecting)
  const version = lines
    .flatMap(line => line.triggers)
    .find(one => one.trigger === trigger)
    ?.attempts.at(-1)?.version
  const name = version?.split('@')[0] ?? basename(functionFile).replace(/\.[cm]?[jt]s$/, '')
  const around = surroundingsOf({ function: name, version: 'local' }, request)
  const loaded = await load(functionFile, handler, around)
  const events: ReplayedEvent[] = []
  for (const [index, line] of lines.entries()) {
    const recorded = line.triggers.find(one => one.trigger === trigger)
    const startedAt = performance.now()
    const outcome = await run(loaded, line, recorded, trigger, around, request, index)
    const { stream, partition, offset, event } = line
    const stack = outcome.kind === 'failed' && outcome.stack !== undefined ? { stack: outcome.stack } : {}
    const durationMs = performance.now() - startedAt
    const place = { id: event.id, key: event.partitionkey ?? null, stream, partition, offset }
    events.push({ ...place, durationMs, ...compareOutcome(recorded, outcome), ...stack })
  }
  around.logs.flushAll()
  return { trigger, function: functionFile, events }
}

async function run(
  { handler }: LoadedFunction,
  line: CapturedLine,
  recorded: RecordedTriggerLine | undefined,
  trigger: string,
  around: ContextSurroundings,
  { capture, batch = false, inspectPort }: ReplayRequest,
  index: number,
): Promise<ReplayedOutcome> {
  let prepared: ReturnType<typeof prepareAttempt>
  try {
    prepared = prepareAttempt(line, trigger, recorded?.attempts.at(-1)?.attempt ?? 1, around)
  } catch (error) {
    throw problem(capture, index + 2, `the event cannot be made: ${String(error)}`)
  }
  const { event, context, attempt } = prepared
  const isInspected = inspectPort !== undefined
  const over = new AbortController()
  try {
    const argument = batch ? [event] : event
    const call = async (): Promise<unknown> =>
      isInspected ? stepIn(handler, argument, context) : handler(argument, context)
    // Who looks at a breakpoint takes as long as it takes.
    const late = isInspected ? [] : [overdue(around.settings.timeoutMs, over.signal, () => attempt.timeOut())]
    const value = await Promise.race([call(), ...late])
    if (batch && failedItems(value, [event.id]).size > 0)
      return { kind: 'failed', error: `BatchItemFailure: ${reported}`, message: reported }
    const last = batch ? undefined : attempt.addLast(value)
    const results = [...attempt.results, ...(last === undefined ? [] : [last])]
    return { kind: 'succeeded', results: results.map(resultOf) }
  } catch (thrown) {
    const { name, message, stack } = describeThrown('error', thrown)
    return { kind: 'failed', error: `${name}: ${message}`, message, ...(stack === undefined ? {} : { stack }) }
  } finally {
    attempt.done = true
    over.abort()
  }
}

async function overdue(timeoutMs: number, signal: AbortSignal, onOver: () => void): Promise<never> {
  await wait(timeoutMs, undefined, { signal }).catch(() => new Promise<never>(() => undefined))
  onOver()
  throw new DOMException(`the invocation took longer than ${timeoutMs} ms`, 'TimeoutError')
}

function resultOf({ contentType, meta, data }: EncodedResult): FunctionResult {
  return { contentType, meta, data: Buffer.from(data as string) }
}

async function load(file: string, handler: string, around: ContextSurroundings): Promise<LoadedFunction> {
  try {
    const loaded = await loadFunction(file, handler)
    await loaded.init?.(createInitContext(around))
    return loaded
  } catch (thrown) {
    const { name, message } = thrown instanceof LoadFailure ? thrown.error : describeThrown('load', thrown)
    const text = thrown instanceof LoadFailure ? message : `init() of ${file} failed: ${name}: ${message}`
    throw new SluiceError('SLUICE_FUNCTIONS_LOAD', text, { cause: thrown })
  }
}

/** Whose records count. */
function triggerOf(lines: readonly CapturedLine[], asked: string | undefined): string {
  const all = new Set(lines.flatMap(line => line.triggers.map(({ trigger }) => trigger)))
  if (asked !== undefined) {
    if (all.size === 0 || all.has(asked)) return asked
    throw unclear(`the capture has nothing of trigger ${asked}, but of ${[...all].sort().join(', ')}`)
  }
  const ran = lines.flatMap(line => line.triggers.filter(({ attempts }) => attempts.length > 0))
  const names = [...new Set(ran.map(({ trigger }) => trigger))].sort()
  if (names.length > 1) throw unclear(`the capture has what ${names.join(', ')} did: say which with --trigger`)
  return names[0] ?? [...all][0] ?? ''
}

const unclear = (message: string): SluiceError => new SluiceError('SLUICE_REPLAY_TRIGGER', message)

async function inspect(port: number, onInspecting: ReplayRequest['onInspecting']): Promise<void> {
  const inspector = await import('node:inspector')
  inspector.open(port, '127.0.0.1')
  onInspecting?.(inspector.url() ?? '')
  inspector.waitForDebugger()
}
