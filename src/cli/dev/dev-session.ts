import { setTimeout as sleep } from 'node:timers/promises'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { LogPage } from '../../api/views/log-view.ts'
import type { DeadLetterPage } from '../../api/views/dead-letter-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { FunctionDefinition } from '../../config/sections/function-definition.ts'
import type { TriggerConfig } from '../../config/sections/trigger.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, isRefusal, orNone, type ApiClient } from '../api-client.ts'
import { watchFunction, type Bundle, type BundleInput } from '../bundle/bundle-function.ts'
import { followLogs } from '../follow-logs.ts'
import { codeBody } from '../plan/carry-out.ts'
import type { DevScreen } from './dev-screen.ts'

export interface DevSessionOptions {
  /** Of the function and the trigger that are made: dev-ada-price. */
  readonly name: string
  readonly input: Omit<BundleInput, 'handler'>
  /** The manifest, if there is one: the function is made again when it changes. */
  readonly watchedFiles: readonly string[]
  /** Read for every bundle. @throws {SluiceError} what is shown; the last good version goes on. */
  readonly readDefinition: () => FunctionDefinition
  /** What it runs on; undefined: it is invoked by hand. */
  readonly trigger: TriggerConfig | undefined
  /** The least level of log lines. */
  readonly level: string | undefined
  /** What the gateway deletes by itself when nobody renews it for so long. Default 60,000. */
  readonly leaseMs?: number
}

const goesOn = 'the last good version goes on'
const waits = 'waiting for a change'

/** How long a look at the trigger's figures is good for. */
const pollMs = 1_000

/** Of failures that come faster than they are looked at, the newest are shown. */
const mostLetters = 20

/**
 * One function at work on real events, under a name of its own, for as long as somebody looks on.
 *
 *   building ──the first bundle is on the gateway──▶ running ──stop, or the gateway refuses for good──▶ ended
 *
 * Running, every good bundle replaces the one before, and a bad one changes nothing. Both the function and the trigger are
 * on lease: what is not deleted at the end, because this process or the way to the gateway is gone, expires.
 */
export class DevSession {
  readonly #client: ApiClient
  readonly #screen: DevScreen
  readonly #options: DevSessionOptions
  readonly #leaseMs: number
  readonly #stop = new AbortController()
  /** The newest bundle that is not on the gateway yet. */
  #waiting: Bundle | undefined
  /** What is on the gateway, as text, so that the same is not sent again. */
  #sent = ''
  #lastGood: Bundle | undefined
  /** Resolves when nothing is being sent. */
  #sending: Promise<void> | undefined
  #onRunning: () => void = () => undefined
  readonly #running = new Promise<void>(resolve => (this.#onRunning = resolve))
  #state: 'building' | 'running' | 'ended' = 'building'
  #failure: SluiceError | undefined

  constructor(client: ApiClient, screen: DevScreen, options: DevSessionOptions) {
    this.#client = client
    this.#screen = screen
    this.#options = options
    this.#leaseMs = options.leaseMs ?? 60_000
  }

  /** Resolves when everything is deleted after the signal. @throws {SluiceError} what the gateway refuses for good. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#stop.abort()
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    const { input, watchedFiles } = this.#options
    const handler = this.#options.readDefinition().handler
    const watcher = await watchFunction({ ...input, handler }, watchedFiles, result => this.#take(result))
    try {
      await Promise.all([this.#renew(), this.#follow(), this.#poll()])
    } finally {
      signal.removeEventListener('abort', onAbort)
      await watcher.stop()
      await this.#cleanUp()
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  #take(result: Bundle | SluiceError): void {
    if (this.#stop.signal.aborted) return
    if (result instanceof SluiceError) {
      return this.#screen.problem(result.message, this.#state === 'running' ? goesOn : waits)
    }
    this.#waiting = result
    void this.#send()
  }

  /** One upload at a time; what was built meanwhile follows. */
  #send(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = undefined))
    return this.#sending
  }

  async #sendAll(): Promise<void> {
    try {
      while (this.#waiting !== undefined && !this.#stop.signal.aborted) {
        const bundle = this.#waiting
        this.#waiting = undefined
        await this.#put(bundle)
      }
    } catch (error) {
      const problem = SluiceError.from(error)
      if (this.#waiting !== undefined && problem.code === 'SLUICE_CLI_UNREACHABLE') this.#screen.note(problem.message)
      else this.#fail(problem)
    }
  }

  async #put(bundle: Bundle): Promise<void> {
    const { name, readDefinition } = this.#options
    try {
      const definition = readDefinition()
      const sent = JSON.stringify([bundle.hash, definition])
      if (sent === this.#sent) return
      for (const warning of bundle.warnings) this.#screen.note(`warning: ${warning}`)
      await this.#client.json<FunctionView>('PUT', apiPath('functions', name), {
        body: { definition, code: codeBody(bundle), expiresAfterMs: this.#leaseMs },
      })
      this.#sent = sent
      this.#lastGood = bundle
    } catch (error) {
      return this.#refused(bundle, SluiceError.from(error))
    }
    this.#screen.built(bundle)
    if (this.#state === 'running') return
    await this.#putTrigger()
    this.#state = 'running'
    this.#screen.running()
    this.#onRunning()
  }

  /** What the gateway says of code or definition is for the person at the keyboard to mend. */
  #refused(bundle: Bundle, problem: SluiceError): void {
    const isRunning = this.#state === 'running'
    if (isRefusal(problem, 422) || problem.code === 'SLUICE_CONFIG_INVALID') {
      return this.#screen.problem(problem.message, isRunning ? goesOn : waits)
    }
    // The way to the gateway may come back: the next renewal tries again.
    if (problem.code !== 'SLUICE_CLI_UNREACHABLE' || !isRunning) throw problem
    this.#waiting ??= bundle
    throw problem
  }

  /** A trigger that was left behind has its place in the stream; a new one begins at the end of it. */
  async #putTrigger(): Promise<void> {
    const { name, trigger } = this.#options
    if (trigger === undefined) return
    const path = apiPath('triggers', name)
    await orNone(this.#client.json('DELETE', path))
    await this.#client.json('PUT', path, { body: { ...trigger, function: name, expiresAfterMs: this.#leaseMs } })
  }

  #fail(error: SluiceError): void {
    this.#failure ??= error
    this.#stop.abort()
  }

  /** Waits until it runs. false: it was stopped before. */
  async #isRunning(): Promise<boolean> {
    const { signal } = this.#stop
    if (signal.aborted) return false
    const aborted = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([this.#running, aborted])
    return !signal.aborted
  }

  async #renew(): Promise<void> {
    if (!(await this.#isRunning())) return
    const { name, trigger } = this.#options
    const body = { function: name, ...(trigger === undefined ? {} : { trigger: name }), expiresAfterMs: this.#leaseMs }
    while (await this.#pause(this.#leaseMs / 3)) {
      try {
        await this.#client.json('POST', '/v1/leases', { body })
        void this.#send()
      } catch (error) {
        if (isRefusal(error, 404)) await this.#makeAgain()
        // A gateway that restarts is back before the lease ends; logs tell that it is away.
        else if (!(error instanceof SluiceError && error.code === 'SLUICE_CLI_UNREACHABLE')) {
          return this.#fail(SluiceError.from(error))
        }
      }
    }
  }

  /** The machine slept, or the gateway was away for longer than the lease. */
  async #makeAgain(): Promise<void> {
    if (this.#lastGood === undefined) return
    this.#screen.note(`${this.#options.name} had expired: it is made again`)
    this.#sent = ''
    this.#state = 'building'
    this.#waiting ??= this.#lastGood
    await this.#send()
  }

  async #follow(): Promise<void> {
    const { name, level } = this.#options
    while (await this.#isRunning()) {
      try {
        // What an earlier session under this name wrote is no news.
        const path = apiPath('functions', name, 'logs')
        const newest = await this.#client.json<LogPage>('GET', path, { query: { limit: 1 } })
        const after = newest.items[0]?.id ?? 0
        await followLogs(
          this.#client,
          name,
          { after, level },
          {
            signal: this.#stop.signal,
            onLine: line => this.#screen.line(line),
            onLost: reason => this.#screen.note(`connection lost (${reason}); trying again …`),
            onBack: () => this.#screen.note('connected again'),
          },
        )
      } catch (error) {
        const isTransient =
          isRefusal(error, 404) || (error instanceof SluiceError && error.code === 'SLUICE_CLI_UNREACHABLE')
        if (!isTransient) return this.#fail(SluiceError.from(error))
        await this.#pause(pollMs)
      }
    }
  }

  /** Figures, and what failed: a handler that throws writes no line. */
  async #poll(): Promise<void> {
    const { name, trigger } = this.#options
    if (trigger === undefined || !(await this.#isRunning())) return
    let uid = ''
    let lastLetter = 0
    do {
      try {
        const view = await this.#client.json<TriggerView>('GET', apiPath('triggers', name))
        // One that is made again has letters of its own.
        if (view.uid !== uid) lastLetter = 0
        uid = view.uid
        const isNew = view.deadLetters > 0
        const query = { limit: mostLetters }
        const path = apiPath('triggers', name, 'dead-letters')
        const letters = isNew ? (await this.#client.json<DeadLetterPage>('GET', path, { query })).items : []
        if (this.#stop.signal.aborted) return
        const news = letters.filter(letter => letter.id > lastLetter).reverse()
        for (const letter of news) this.#screen.failed(letter)
        lastLetter = news.at(-1)?.id ?? lastLetter
        this.#screen.status(view)
      } catch {
        // A courtesy: whatever is wrong is told by the others.
      }
    } while (await this.#pause(pollMs))
  }

  /** false: it was stopped meanwhile. */
  async #pause(durationMs: number): Promise<boolean> {
    const { signal } = this.#stop
    await sleep(durationMs, undefined, { signal }).catch(() => undefined)
    return !signal.aborted
  }

  async #cleanUp(): Promise<void> {
    const { name, trigger } = this.#options
    this.#state = 'ended'
    this.#screen.end()
    try {
      const timeoutMs = 5_000
      // An upload that is under way would make again what is deleted here.
      await Promise.race([this.#sending, sleep(timeoutMs, undefined, { ref: false })])
      if (trigger !== undefined) await orNone(this.#client.json('DELETE', apiPath('triggers', name), { timeoutMs }))
      const query = { force: true }
      const deleted = await orNone(this.#client.json('DELETE', apiPath('functions', name), { query, timeoutMs }))
      if (deleted !== undefined) this.#screen.note(`deleted ${name}`)
    } catch {
      this.#screen.note(`${name} could not be deleted; it expires by itself within ${this.#leaseMs / 1000} s`)
    }
  }
}
