import type { FunctionVersion } from '../functions/function-version.ts'
import { needClosing } from './bindings/open-bindings.ts'
import { FrameNonces } from './frame-nonces.ts'
import { FrameSession } from './frame-session.ts'
import { invocationError } from './invocation-error.ts'
import type { Invocation, InvocationError } from './invocation.ts'
import type { WorkerPoolOptions } from './pool-options.ts'
import { PoolTally } from './pool-tally.ts'
import { chunkFlag } from './result-codec.ts'
import type { WorkerHost } from './worker-host.ts'
import type { WorkerPool, WorkerPoolState, WorkerPoolStats } from './worker-pool.ts'
import { judgeDeath } from './worker-death.ts'
import { StartBackoff } from './start-backoff.ts'
import { encodeWaiting, giveBack, nothingUsed, type EncodedFrame, type WaitingFrame } from './waiting-frame.ts'
import { receiveRecords } from './worker-records.ts'
import { latestIdle, WorkerSlot } from './worker-slot.ts'
import { startWorker } from './worker-start.ts'
import { SessionRoom } from './session-room.ts'

/** Silence of a worker beyond the time-out before it is ended from here: it ends overdue promises itself a bit earlier. */
const silenceMs = 50
/** Frames in careful mode after a worker died and it could not be told why. */
const carefulFrames = 64
/** Functions faster than this per event get one frame per worker ahead. */
const prefetchBelowMs = 0.02

/**
 * Frames in, outcomes out, with as many workers as are permitted; see {@link WorkerPool} for its states.
 *
 * A frame begins a session in an idle worker, or joins one where handlers wait: otherwise all would wait for the slowest
 * event of a frame. That a worker ends is always seen at one place: the promise of its task rejects; then what it still
 * posted is read, and only then the open events are judged.
 */
export class FramePool implements WorkerPool {
  readonly version: FunctionVersion
  onFree: () => void = () => {}
  readonly #host: WorkerHost
  readonly #options: WorkerPoolOptions
  readonly #slots = new Set<WorkerSlot>()
  readonly #waiting: WaitingFrame[] = []
  readonly #tally = new PoolTally()
  readonly #room: SessionRoom
  readonly #nonces = new FrameNonces()
  readonly #backoff: StartBackoff
  #state: WorkerPoolState = 'starting'
  #permits = 0
  #warm = 0
  #busy = 0
  #ending = 0
  #careful = 0
  #problem: InvocationError | undefined
  /** A worker that goes as soon as its successor is ready; one at a time, so that memory is not doubled. */
  #expiring: WorkerSlot | undefined
  #whenIdle: (() => void) | undefined
  #coldStarts = 0
  #killed = 0
  #leaked = 0

  constructor(version: FunctionVersion, host: WorkerHost, options: WorkerPoolOptions) {
    this.version = version
    this.#host = host
    this.#options = options
    this.#room = new SessionRoom(version, this.#tally, options.maxFramesPerWorker)
    this.#backoff = new StartBackoff(() => this.#fill(), options.restartDelayMs)
    host.onReplacement = () => this.#fill()
    host.onGone = slot => this.#forget(slot)
  }

  get state(): WorkerPoolState {
    return this.#state
  }

  get freeSlots(): number {
    if (this.#state !== 'ready' && this.#state !== 'starting') return 0
    // While no worker is warm one frame may wait for the first; more would only wait here instead of filling up there.
    let capacity = Math.min(this.#permits, Math.max(1, this.#warm))
    // Where frames take no longer than encoding and decoding them, the next one waits here, ready to go.
    if ((this.#tally.serviceTimeMs ?? Infinity) < prefetchBelowMs) capacity *= 2
    return Math.max(0, capacity - this.#busy - this.#waiting.length)
  }

  get room(): number {
    // Nothing overtakes what waits, but what has to be alone waits for one worker only.
    const slot = this.#waiting.every(({ alone }) => alone) ? this.#roomiest() : undefined
    return slot === undefined ? 0 : this.#room.in(slot)
  }

  setWorkers(count: number): void {
    if (this.#isClosing) return
    const permits = Math.max(0, Math.min(Math.floor(count), this.version.scaling.maxWorkers))
    if (permits === this.#permits) return
    const isFewer = permits < this.#permits
    this.#permits = permits
    this.#host.keep(this.#state === 'quarantined' ? 0 : permits)
    this.#fill()
    // Idle workers got no idle timer while they were wanted.
    if (isFewer) for (const slot of this.#slots) if (slot.state === 'idle') this.#host.touch(slot)
    if (!isFewer) this.#serve()
  }

  async run(frame: readonly Invocation[], onBegin?: () => void): Promise<void> {
    if (frame.length === 0) return
    if (this.#isClosing || this.#state === 'quarantined')
      return frame.forEach(invocation => invocation.settle({ kind: 'not-started' }))
    const { promise, resolve } = Promise.withResolvers<void>()
    const facts = { alone: frame[0]?.alone === true, sinceMs: performance.now(), encoded: undefined }
    this.#waiting.push({ invocations: frame, done: resolve, onBegin, ...facts })
    this.#dispatchWaiting()
    await promise
  }

  stats(): WorkerPoolStats {
    return {
      state: this.#state,
      permits: this.#permits,
      workers: this.#host.size,
      busy: this.#busy,
      ...this.#tally.figures,
      coldStarts: this.#coldStarts,
      killed: this.#killed,
      leaked: this.#leaked,
      memoryMiBSeconds: (this.#tally.handlerMs * this.version.memoryMiB) / 1000,
      workerSeconds: this.#host.aliveMs / 1000,
      ...(this.#problem === undefined ? undefined : { problem: this.#problem.message }),
    }
  }

  async close(drainMs: number): Promise<void> {
    if (this.#isClosing) return
    this.#setState('draining')
    this.#backoff.stop()
    for (const waiting of this.#waiting.splice(0)) giveBack(waiting)
    if (this.#inProgress > 0) await this.#drained(drainMs)
    if (needClosing(this.version.bindings)) await Promise.all([...this.#slots].map(slot => slot.sayGoodbye()))
    for (const slot of this.#slots) this.#end(slot, 'closing')
    if (this.#inProgress > 0) await this.#drained(undefined)
    await this.#host.close()
    for (const slot of this.#slots) slot.closePort()
    this.#slots.clear()
    this.#setState('closed')
  }

  get #isClosing(): boolean {
    return this.#state === 'draining' || this.#state === 'closed'
  }

  /** Sessions, those included whose worker has been ended and whose last words are awaited. */
  get #inProgress(): number {
    return this.#busy + this.#ending
  }

  #setState(state: WorkerPoolState): void {
    this.#state = state
  }

  async #drained(limitMs: number | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = limitMs === undefined ? undefined : setTimeout(resolve, limitMs)
    this.#whenIdle = resolve
    await promise
    clearTimeout(timer)
    this.#whenIdle = undefined
  }

  /** Starts as many workers as are permitted and missing, and the successor of one that is to go. */
  #fill(): void {
    if (this.#isClosing || this.#backoff.isWaiting) return
    const successors = this.#expiring === undefined || this.#permits === 0 ? 0 : 1
    // In quarantine one worker tries for all.
    const wanted = this.#state === 'quarantined' ? Math.min(1, this.#permits) : this.#permits + successors
    while (this.#slots.size < wanted || this.#host.unowned > 0) {
      const slot = new WorkerSlot((from, message) => this.#receive(from, message))
      this.#slots.add(slot)
      void startWorker(this.#host, slot, this.version.file, this.#options.loadTimeoutMs).then(error =>
        error === undefined ? this.#started(slot) : this.#failedToStart(slot, error),
      )
    }
  }

  #started(slot: WorkerSlot): void {
    if (slot.state === 'ended') return
    slot.setState('idle')
    this.#warm++
    this.#coldStarts++
    this.#backoff.succeeded()
    this.#problem = undefined
    if (this.#isClosing) return
    if (this.#state !== 'ready') {
      this.#setState('ready')
      this.#host.keep(this.#permits)
      this.#fill()
    }
    if (this.#expiring?.state === 'idle' && this.#hasSuccessor) this.#retire(this.#expiring)
    this.#serve()
  }

  #failedToStart(slot: WorkerSlot, error: InvocationError): void {
    this.#forget(slot)
    if (this.#isClosing || slot.endReason === 'closing') return
    this.#problem = error
    if (this.#warm === 0) {
      this.#setState('quarantined')
      this.#host.keep(0)
      for (const waiting of this.#waiting.splice(0)) giveBack(waiting)
    }
    this.#backoff.failed()
  }

  /** Hands waiting frames to idle workers, then tells that there may be room. */
  #serve(): void {
    this.#dispatchWaiting()
    if (this.freeSlots > 0 || this.room > 0) this.onFree()
  }

  #dispatchWaiting(): void {
    while (this.#waiting.length > 0) {
      const slot = this.#busy < this.#permits ? latestIdle(this.#slots) : undefined
      if (slot !== undefined) this.#runIn(slot, this.#waiting.shift() as WaitingFrame)
      else if (!this.#joinNext()) break
    }
    // While the workers are busy there is time to encode what comes next.
    const next = this.#waiting[0]
    if (next === undefined || next.encoded !== undefined || this.#warm === 0) return
    next.encoded = this.#encode(next)
    if (next.encoded === undefined) this.#waiting.shift()?.done()
  }

  /** The busy worker that another frame should join. */
  #roomiest(): WorkerSlot | undefined {
    if (this.#state !== 'ready' || this.#careful > 0) return undefined
    const suspect = this.#waiting.find(({ alone }) => alone)
    const surplus = Math.max(0, this.#busy - this.#permits)
    return this.#room.most(this.#slots, { surplus, suspectSinceMs: suspect?.sinceMs, expiring: this.#expiring })
  }

  #encode(waiting: WaitingFrame): EncodedFrame | undefined {
    const isCareful = this.#careful > 0
    if (waiting.encoded !== undefined && waiting.encoded.frame.careful === isCareful) return waiting.encoded
    return encodeWaiting(waiting, { nonces: this.#nonces, tally: this.#tally, careful: isCareful })
  }

  /** Hands the next frame to a worker that is busy. False when none has room for it. */
  #joinNext(): boolean {
    const slot = this.#roomiest()
    const waiting = this.#waiting.find(({ alone }) => !alone)
    if (slot === undefined || waiting === undefined || this.#room.in(slot) < waiting.invocations.length) return false
    this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
    const encoded = this.#encode(waiting)
    if (encoded === undefined) waiting.done()
    else slot.join(encoded, waiting)
    return true
  }

  #runIn(slot: WorkerSlot, waiting: WaitingFrame): void {
    const encoded = this.#encode(waiting)
    if (encoded === undefined) return waiting.done()
    const { frame, bytes } = encoded
    waiting.onBegin?.()
    const answer = this.#host.run(slot, bytes)
    if (answer === undefined) {
      this.#forget(slot)
      this.#waiting.unshift({ ...waiting, encoded: undefined })
      // It may have been the last worker: without this nothing would start another for the frame that waits.
      this.#fill()
      return
    }
    if (frame.careful) this.#careful--
    const session = new FrameSession(frame, waiting)
    slot.session = session
    slot.sessions++
    slot.progressAt = performance.now()
    slot.setState('busy')
    this.#busy++
    slot.watch(this.version.timeoutMs + silenceMs, silent => this.#silent(silent))
    answer.then(
      last => this.#answered(slot, session, last),
      () => void this.#lost(slot, session),
    )
  }

  /** A message on the slot's own port: results so far, or records. */
  readonly #receive = (slot: WorkerSlot, message: unknown): void => {
    if (!(message instanceof Uint8Array)) {
      receiveRecords(message, this.#options)
      return
    }
    slot.progressAt = performance.now()
    const { session } = slot
    const summary = session?.receive(message)
    if (session === undefined || summary === undefined) return
    if ((summary.flags & chunkFlag.expire) !== 0) this.#expire(slot)
    if ((summary.flags & chunkFlag.end) !== 0) this.#end(slot, 'answered')
    else if (this.#room.in(slot) > 0) this.#serve()
  }

  #answered(slot: WorkerSlot, session: FrameSession, last: unknown): void {
    if (slot.session !== session) return
    slot.drain(this.#receive)
    const refused = session.over(last)
    slot.frames += session.count
    slot.session = undefined
    this.#busy--
    const { flags } = session
    if (slot.frames >= this.#room.maxFrames || (flags & chunkFlag.expire) !== 0) this.#expire(slot)
    this.#runAgain(refused)
    const mustGo = (flags & chunkFlag.recycle) !== 0 || (slot === this.#expiring && this.#hasSuccessor)
    if (slot.state === 'busy') slot.setState('idle')
    if (mustGo) this.#retire(slot)
    // The worker gets its next frame before the answer is read, so that it does not wait for this thread.
    else if (this.#waiting.length > 0 && this.#busy < this.#permits)
      this.#runIn(slot, this.#waiting.shift() as WaitingFrame)
    session.receive(last)
    if (session.open > 0) {
      // The code or the memory of the worker is damaged: its promise was kept, its answer is none.
      const error = invocationError('crash', 'BadAnswer', 'the worker answered with something unreadable')
      for (const frame of session.frames) frame.workerDied(error, nothingUsed, slot.frames === 1)
      this.#careful = carefulFrames
      if (slot.state === 'busy') this.#end(slot, 'closing')
      else this.#retire(slot)
    }
    for (const frame of session.frames) frame.done()
    this.#afterFrame()
  }

  /** What a worker has not begun goes to the next one, before anything else. */
  #runAgain(refused: readonly WaitingFrame[]): void {
    if (this.#isClosing || this.#state === 'quarantined') refused.forEach(giveBack)
    else this.#waiting.unshift(...refused)
  }

  /** The worker ended with the session: by us, by itself, or for lack of memory. */
  async #lost(slot: WorkerSlot, session: FrameSession): Promise<void> {
    const silentMs = performance.now() - slot.progressAt
    if (slot.session !== session) return
    this.#busy--
    this.#ending++
    this.#forget(slot)
    // Its task may have been rejected without its end; it cannot be trusted either way.
    void slot.worker?.terminate()
    if (session.open > 0 && !(await slot.waitUntilGone())) this.#leaked++
    slot.session = undefined
    slot.closePort()
    this.#runAgain(session.over())
    if (session.open > 0 && judgeDeath(slot, session, silentMs, this.version.timeoutMs)) this.#careful = carefulFrames
    this.#ending--
    for (const frame of session.frames) frame.done()
    this.#fill()
    this.#afterFrame()
  }

  #silent(slot: WorkerSlot): void {
    // The answer may be here and wait for its turn, when it was this thread that was busy.
    slot.drain(this.#receive)
    setImmediate(() => {
      if (slot.state !== 'busy') return
      const silentMs = performance.now() - slot.progressAt
      if (silentMs >= this.version.timeoutMs + silenceMs) this.#end(slot, 'timeout')
      else slot.watch(this.version.timeoutMs + silenceMs, silent => this.#silent(silent))
    })
  }

  #end(slot: WorkerSlot, reason: 'timeout' | 'closing' | 'answered'): void {
    if (slot.endReason !== undefined || slot.state === 'ended') return
    slot.endReason = reason
    if (slot.state === 'busy' && reason !== 'closing') this.#killed++
    this.#host.end(slot)
  }

  /** Starts the successor of a worker, which works on meanwhile. */
  #expire(slot: WorkerSlot): void {
    if (this.#expiring !== undefined) return
    this.#expiring = slot
    this.#fill()
  }

  get #hasSuccessor(): boolean {
    return this.#warm > this.#permits
  }

  /** Ends an idle worker; its replacement starts at once. */
  #retire(slot: WorkerSlot): void {
    this.#host.end(slot)
    this.#forget(slot)
    this.#fill()
  }

  #forget(slot: WorkerSlot): void {
    if (!this.#slots.delete(slot)) return
    if (slot.isWarm) this.#warm--
    if (slot === this.#expiring) this.#expiring = undefined
    slot.setState('ended')
    if (slot.session === undefined) slot.closePort()
    if (this.#warm === 0 && this.#waiting.length > 0) this.#fill()
  }

  #afterFrame(): void {
    if (this.#inProgress === 0) this.#whenIdle?.()
    if (!this.#isClosing) this.#serve()
  }
}
