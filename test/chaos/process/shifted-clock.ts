import { readFileSync } from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import threads, { BroadcastChannel, getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads'

/**
 * Loaded with `--import` into the gateway of an experiment, and so into each of its threads: the wall clock differs
 * from the machine's by the milliseconds in the file CLOCK_SHIFT, which is read again after SIGUSR2. Timers and the monotonic clock go on as they do
 * when a real clock is set. Nothing of it stands in the product.
 */
const name = 'shifted-clock'
const RealDate = Date
const realNow = Date.now
// A thread that starts later begins with the shift of that time.
let shiftMs = Number(getEnvironmentData(name) ?? 0)

const channel = new BroadcastChannel(name)
// Typed for a channel of the web, which has no such method.
;(channel as unknown as { unref(): void }).unref()

class ShiftedDate extends RealDate {
  constructor(...args: [] | ConstructorParameters<typeof RealDate>) {
    if (args.length === 0) super(ShiftedDate.now())
    else super(...(args as [number]))
  }

  static override now(): number {
    return realNow() + shiftMs
  }
}

globalThis.Date = ShiftedDate as DateConstructor

function shift(): void {
  shiftMs = Number(readFileSync(process.env['CLOCK_SHIFT']!, 'utf8'))
  setEnvironmentData(name, shiftMs)
  channel.postMessage(shiftMs)
  process.stderr.write(`the clock is shifted by ${shiftMs} ms\n`)
}

/** Threads are started without what the process was told to import. */
class ShiftedWorker extends threads.Worker {
  constructor(file: string | URL, options: threads.WorkerOptions = {}) {
    super(file, { ...options, execArgv: [...(options.execArgv ?? []), '--import', import.meta.filename] })
  }
}

if (isMainThread) {
  shift()
  process.on('SIGUSR2', shift)
  ;(threads as { Worker: typeof threads.Worker }).Worker = ShiftedWorker
  syncBuiltinESMExports()
} else
  channel.onmessage = ({ data }: { data: unknown }) => {
    shiftMs = Number(data)
  }
