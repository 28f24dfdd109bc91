import { syncBuiltinESMExports } from 'node:module'
import timersPromises from 'node:timers/promises'
import type { Random } from '../chaos/random.ts'
import type { VirtualScheduler } from './virtual-scheduler.ts'
import type { VirtualTask } from './virtual-process.ts'

/** What `setTimeout` and its like give back. */
class VirtualTimer {
  task: VirtualTask | undefined
  readonly #again: (() => VirtualTask) | undefined

  constructor(task: VirtualTask, again?: () => VirtualTask) {
    this.task = task
    this.#again = again
  }

  cancel(): void {
    if (this.task !== undefined) this.task.run = undefined
    this.task = undefined
  }

  refresh(): this {
    this.cancel()
    this.task = this.#again?.()
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  hasRef(): boolean {
    return true
  }
}

type Callback = (...args: unknown[]) => void
type Replaced = Record<string, unknown>

/**
 * Puts the clock, the timers and the chance of a simulation in the place of those of the process. What is read through
 * them from here on follows from the seed. Returns how to take them out again.
 */
export function useVirtualGlobals(scheduler: VirtualScheduler, random: Random): () => void {
  const later = (callback: Callback, delayMs = 0, ...args: unknown[]): VirtualTimer => {
    const again = (): VirtualTask => scheduler.timer(delayMs, () => callback(...args))
    return new VirtualTimer(again(), again)
  }
  const repeatedly = (callback: Callback, delayMs = 0, ...args: unknown[]): VirtualTimer => {
    const timer: VirtualTimer = new VirtualTimer(scheduler.timer(delayMs, fire))
    function fire(): void {
      timer.task = scheduler.timer(delayMs, fire)
      callback(...args)
    }
    return timer
  }
  const soon = (callback: Callback, ...args: unknown[]): VirtualTimer =>
    new VirtualTimer(scheduler.immediate(() => callback(...args)))
  const cancel = (timer: unknown): void => {
    if (timer instanceof VirtualTimer) timer.cancel()
  }
  const cpuUsage = (since?: NodeJS.CpuUsage): NodeJS.CpuUsage => ({
    // Half of one core is busy, always.
    user: Math.round(scheduler.nowMs * 500) - (since?.user ?? 0),
    system: 0,
  })
  const restored = [
    replace(globalThis as unknown as Replaced, {
      setTimeout: later,
      setInterval: repeatedly,
      setImmediate: soon,
      clearTimeout: cancel,
      clearInterval: cancel,
      clearImmediate: cancel,
      Date: virtualDate(scheduler),
    }),
    replace(performance as unknown as Replaced, { now: () => scheduler.nowMs }),
    replace(Math as unknown as Replaced, { random }),
    replace(process as unknown as Replaced, { cpuUsage }),
    replace(timersPromises as unknown as Replaced, {
      setTimeout: <T>(delayMs = 0, value?: T, options?: { signal?: AbortSignal }) =>
        settledLater(run => later(run, delayMs), value, options?.signal),
      setImmediate: <T>(value?: T, options?: { signal?: AbortSignal }) => settledLater(soon, value, options?.signal),
    }),
  ]
  syncBuiltinESMExports()
  return () => {
    for (const restore of restored) restore()
    syncBuiltinESMExports()
  }
}

function replace(object: Replaced, values: Replaced): () => void {
  const before = Object.keys(values).map(name => [name, Object.getOwnPropertyDescriptor(object, name)] as const)
  for (const [name, value] of Object.entries(values))
    Object.defineProperty(object, name, { value, configurable: true, writable: true, enumerable: true })
  return () => {
    for (const [name, descriptor] of before) {
      if (descriptor === undefined) delete object[name]
      else Object.defineProperty(object, name, descriptor)
    }
  }
}

function virtualDate(scheduler: VirtualScheduler): DateConstructor {
  return class VirtualDate extends Date {
    constructor(...args: []) {
      if (args.length === 0) super(scheduler.wallMs)
      else super(...args)
    }

    static override now(): number {
      return scheduler.wallMs
    }
  } as unknown as DateConstructor
}

function settledLater<T>(plan: (run: () => void) => VirtualTimer, value: T, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const refused = new DOMException('The operation was aborted', 'AbortError')
    if (signal?.aborted === true) return reject(refused)
    const timer = plan(() => {
      signal?.removeEventListener('abort', refuse)
      resolve(value)
    })
    function refuse(): void {
      timer.cancel()
      reject(refused)
    }
    signal?.addEventListener('abort', refuse, { once: true })
  })
}
