import { messageOf } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { FunctionResult } from '../sinks/function-result.ts'
import type { BatchPart, Feed, Invocation, InvocationOutcome } from '../workers/invocation.ts'
import { differenceOf } from './compare-results.ts'
import type { Delivery } from './delivery.ts'
import type { FrameSize } from './frame-size.ts'
import type { FrameSource } from './frame-source.ts'
import { excerptOf } from './result-excerpt.ts'
import { choiceHash } from './trigger-routes.ts'
import { isInSample } from './version-choice.ts'
import type { VersionDispatch } from './version-dispatch.ts'

export interface ShadowOptions {
  /** The shadow version. */
  readonly engine: VersionDispatch
  /** Share of the keys whose events are copied, above 0 to 100. */
  readonly percent: number
  /** Copies that wait or run at a time; beyond it they are dropped. Default 256. */
  readonly maxEvents?: number
  /** Bytes of the events and results that these hold. Default 8 MiB. */
  readonly maxBytes?: number
}

/** One event that the two versions did not agree on. */
export interface ShadowExample {
  readonly eventId: string
  readonly key: string
  /** In words. */
  readonly difference: string
  /** What the real version made of it, at most 500 characters. */
  readonly real: string
  /** What the shadow version made of it, at most 500 characters. */
  readonly shadow: string
}

export interface ShadowReport {
  /** Events that both versions have run: the sum of the next four. */
  readonly compared: number
  /** Equal results, or both failed. */
  readonly same: number
  readonly different: number
  readonly failedOnlyInShadow: number
  readonly failedOnlyInReal: number
  /** Events of the sample that were not run, because the shadow version had no room for them. */
  readonly dropped: number
  /** The newest first, at most 50. */
  readonly examples: readonly ShadowExample[]
}

const defaultMaxEvents = 256
const defaultMaxBytes = 8 * 1024 * 1024
const keptExamples = 50

/** What an attempt came to: results, or what went wrong. */
type Ending = { readonly results: readonly FunctionResult[] } | { readonly failure: string }

/** The copy of an event on its way through the shadow version. Nobody waits for it, and nothing follows from it. */
class ShadowInvocation implements Invocation {
  readonly feed: Feed
  readonly record: LogRecord
  readonly partition: number
  readonly attempt = 1
  readonly epoch: number
  /** The trace of an event ends with what really happened to it. */
  readonly traceparent = undefined
  readonly followsPrevious = false
  readonly key: string
  readonly real: Ending
  readonly byteLength: number
  /** A worker died while it may have run it: alone in a frame it is known. */
  alone = false
  /** A call of several copies failed as a whole: those it may be called with. */
  part: BatchPart | undefined = undefined
  readonly #onSettled: (invocation: ShadowInvocation, outcome: InvocationOutcome) => void

  constructor(
    { feed, record, partition, epoch }: Delivery,
    real: Ending,
    byteLength: number,
    onSettled: (invocation: ShadowInvocation, outcome: InvocationOutcome) => void,
  ) {
    this.feed = feed
    this.record = copyOf(record)
    this.partition = partition
    this.epoch = epoch
    this.key = feed.reader.key(record)
    this.real = real
    this.byteLength = byteLength
    this.#onSettled = onSettled
  }

  settle(outcome: InvocationOutcome): void {
    this.#onSettled(this, outcome)
  }
}

/**
 * Runs copies of a trigger's events on another version and tells where the results differ. Best effort: the copies run
 * when the version has nothing else to do, a bounded number waits, and what does not fit is dropped. Results go nowhere;
 * what the handler itself does outside is done.
 */
export class Shadow implements FrameSource {
  readonly #engine: VersionDispatch
  readonly #percent: number
  readonly #maxEvents: number
  readonly #maxBytes: number
  #waiting: ShadowInvocation[] = []
  /** Copies that wait or run, and what they hold. */
  #held = 0
  #heldBytes = 0
  #stopped = false
  #same = 0
  #different = 0
  #failedOnlyInShadow = 0
  #failedOnlyInReal = 0
  #dropped = 0
  readonly #examples: ShadowExample[] = []

  constructor({ engine, percent, maxEvents = defaultMaxEvents, maxBytes = defaultMaxBytes }: ShadowOptions) {
    this.#engine = engine
    this.#percent = percent
    this.#maxEvents = maxEvents
    this.#maxBytes = maxBytes
    engine.attachShadow(this)
  }

  get runnable(): number {
    return this.#waiting.length
  }

  get runnableKeys(): number {
    return this.#waiting.length
  }

  /** Copies an event that its own version is through with, if it is in the sample and there is room. Never throws. */
  offer(delivery: Delivery, outcome: InvocationOutcome): void {
    if (this.#stopped || outcome.kind === 'not-started') return
    if (!isInSample(choiceHash(delivery), this.#percent)) return
    const byteLength = delivery.byteLength + (delivery.record.key?.length ?? 0) + resultBytes(outcome)
    if (this.#held >= this.#maxEvents || this.#heldBytes + byteLength > this.#maxBytes) {
      this.#dropped++
      return
    }
    const real = endingOf(outcome, copyOfResult)
    this.#waiting.push(new ShadowInvocation(delivery, real, byteLength, this.#settled))
    this.#held++
    this.#heldBytes += byteLength
    this.#engine.schedule()
  }

  take({ maxEvents }: FrameSize, into: Invocation[]): void {
    while (into.length < maxEvents) {
      const next = this.#waiting[0]
      if (next === undefined || (next.alone && into.length > 0)) return
      into.push(next)
      this.#waiting.shift()
      if (next.alone) return
    }
  }

  report(): ShadowReport {
    const same = this.#same
    const different = this.#different
    const failedOnlyInShadow = this.#failedOnlyInShadow
    const failedOnlyInReal = this.#failedOnlyInReal
    return {
      compared: same + different + failedOnlyInShadow + failedOnlyInReal,
      same,
      different,
      failedOnlyInShadow,
      failedOnlyInReal,
      dropped: this.#dropped,
      examples: [...this.#examples],
    }
  }

  /** Forgets what waits; what runs ends unseen. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    this.#waiting = []
    this.#engine.detachShadow(this)
  }

  readonly #settled = (invocation: ShadowInvocation, outcome: InvocationOutcome): void => {
    this.#engine.released(outcome)
    if (this.#stopped) return
    // Uncharged, as for real events: it runs again, alone if it may have ended its worker.
    const isUncharged = outcome.kind === 'not-started' || outcome.kind === 'batch-failed'
    if (isUncharged || (outcome.kind === 'suspect' && !invocation.alone)) {
      invocation.alone ||= outcome.kind === 'suspect'
      if (outcome.kind === 'batch-failed') invocation.part = outcome.part
      this.#waiting.unshift(invocation)
      this.#engine.schedule()
      return
    }
    this.#held--
    this.#heldBytes -= invocation.byteLength
    this.#engine.stats.shadowed()
    this.#compare(invocation, endingOf(outcome))
  }

  #compare(invocation: ShadowInvocation, shadow: Ending): void {
    const { real } = invocation
    if ('failure' in real) {
      if ('failure' in shadow) this.#same++
      else {
        this.#failedOnlyInReal++
        this.#keep(invocation, shadow, 'failed only in the real version')
      }
    } else if ('failure' in shadow) {
      this.#failedOnlyInShadow++
      this.#keep(invocation, shadow, 'failed only in the shadow version')
    } else {
      const difference = differenceOf(real.results, shadow.results)
      if (difference === undefined) this.#same++
      else {
        this.#different++
        this.#keep(invocation, shadow, difference)
      }
    }
  }

  #keep({ feed, record, key, real }: ShadowInvocation, shadow: Ending, difference: string): void {
    let eventId: string
    try {
      eventId = feed.reader.header(record).id
    } catch (thrown) {
      eventId = `(${messageOf(thrown)})`
    }
    this.#examples.unshift({ eventId, key, difference, real: shown(real), shadow: shown(shadow) })
    if (this.#examples.length > keptExamples) this.#examples.pop()
  }
}

function shown(ending: Ending): string {
  return excerptOf('failure' in ending ? `failed: ${ending.failure}` : ending.results)
}

function endingOf(
  outcome: Exclude<InvocationOutcome, { kind: 'not-started' }>,
  copy = (result: FunctionResult): FunctionResult => result,
): Ending {
  return outcome.kind === 'succeeded' ? { results: outcome.results.map(copy) } : { failure: outcome.error.message }
}

function resultBytes(outcome: InvocationOutcome): number {
  if (outcome.kind !== 'succeeded') return 0
  let bytes = 0
  for (const { data } of outcome.results) bytes += data.length
  return bytes
}

function copyOfResult({ meta, contentType, data }: FunctionResult): FunctionResult {
  return { meta, contentType, data: Buffer.from(data) }
}

/** Of its own memory: a record's buffers are views into a batch that would be held as a whole. */
function copyOf(record: LogRecord): LogRecord {
  const { key, value, header, headers } = record
  return {
    ...record,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    header: header === null ? null : Buffer.from(header),
    headers: headers === null ? null : headers.map(([name, bytes]) => [name, Buffer.from(bytes)] as const),
  }
}
