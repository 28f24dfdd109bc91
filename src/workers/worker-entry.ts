import { flushCompileCache } from 'node:module'
import { workerData, type MessagePort } from 'node:worker_threads'
import { move } from 'piscina'
import { AttemptScope } from './attempt-scope.ts'
import { openBindings, type Bindings } from './bindings/open-bindings.ts'
import { hideCompileCache } from './compile-cache.ts'
import { createInitContext, createSurroundings, type ContextSurroundings } from './context.ts'
import { FrameRunner } from './frame-runner.ts'
import { createGlobalCheck } from './global-guard.ts'
import { guardImports } from './import-guard.ts'
import { loadFunction, LoadFailure, type LoadedFunction } from './handler-loader.ts'
import { describeThrown, invocationError } from './invocation-error.ts'
import { LogCapture } from './log-capture.ts'
import { MetricCapture } from './metric-capture.ts'
import { maskFor } from './secret-mask.ts'
import {
  closeRequest,
  type JoinRequest,
  type WarmUpAnswer,
  type WarmUpTask,
  type WorkerMessage,
  type WorkerSettings,
} from './worker-settings.ts'
import { WorkerLife } from './worker-life.ts'
import type { WorkerTracing } from './worker-tracing.ts'

/*
 * What runs in a worker thread. Piscina calls `warmUp` once and then `runFrame`. What this side needs of the built-ins is
 * taken here, before user code is loaded and can change it.
 */

const settings = workerData as WorkerSettings
const globalCheck = createGlobalCheck()
const scope = new AttemptScope()
const mask = maskFor(settings)
const { apply } = Reflect
const exitThread = process.exit.bind(process)
let port: MessagePort | undefined
let postMessage: MessagePort['postMessage'] | undefined
let runner: FrameRunner | undefined

function post(message: WorkerMessage | Uint8Array<ArrayBuffer>): void {
  if (port === undefined || postMessage === undefined) return
  if (message instanceof Uint8Array) apply(postMessage, port, [message, [message.buffer]])
  else apply(postMessage, port, [message])
}

const logs = new LogCapture(
  entries => post({ kind: 'log', entries }),
  () => scope.speaker(),
  mask,
)

const metrics = new MetricCapture((changes, dropped) => post({ kind: 'metrics', changes, dropped }), logs, mask)

/** Loads the function. The answer tells failure as a value: an error would make Piscina replace the thread over and over. */
export async function warmUp(task: WarmUpTask): Promise<WarmUpAnswer> {
  const startedAt = performance.now()
  port = task.port
  postMessage = port.postMessage
  process.setSourceMapsEnabled(true)
  hideCompileCache(settings.environment)
  if (settings.selfContained) guardImports(settings.file)
  logs.install()
  guardProcess()
  try {
    const tracing = settings.tracing ? await startTracing() : undefined
    const bindings = await openBindings(settings)
    listen(task.port, bindings)
    // Who imports `workerData` finds the credentials no more.
    Object.assign(settings, { bindings: {} })
    const loaded = await loadFunction(settings.file, settings.handler)
    const surroundings = createSurroundings(settings, logs, mask, bindings, metrics)
    await initialize(loaded, surroundings)
    const life = WorkerLife.start(settings.recycle, settings.memoryMiB)
    runner = new FrameRunner(loaded, { surroundings, scope, globalCheck, life, tracing, post })
    bindings.connect()
    logs.flushAll()
    // Nearly free when nothing new was compiled; workers can live long, and the next one would compile it all again.
    flushCompileCache()
    return { ok: true, durationMs: performance.now() - startedAt }
  } catch (thrown) {
    logs.flushAll()
    if (!(thrown instanceof LoadFailure)) return { ok: false, error: describeThrown('load', thrown, mask) }
    const { name, message, stack } = thrown.error
    return { ok: false, error: invocationError('load', name, message, stack, mask) }
  }
}

/** @throws {LoadFailure} */
async function initialize({ init }: LoadedFunction, surroundings: ContextSurroundings): Promise<void> {
  if (init === undefined) return
  try {
    await init(createInitContext(surroundings))
  } catch (thrown) {
    const error = describeThrown('load', thrown, mask)
    const message = `init() of ${settings.file} failed: ${error.name}: ${error.message}`
    throw new LoadFailure(invocationError('load', error.name, message, error.stack))
  }
}

/** Runs one frame; resolves with the last chunk of its results, which is transferred. */
export async function runFrame(frame: Uint8Array<ArrayBuffer>): Promise<unknown> {
  if (runner === undefined) throw new Error('the worker got a frame before it was warmed up')
  const last = await runner.run(frame)
  return last === undefined ? undefined : move(last)
}

/** Only makes Piscina look at the worker again, so that it starts the idle timer of one that is not needed any more. */
export function touch(): void {}

/**
 * Takes frames that join, and ends the connections of the bindings before the pool ends the thread; the closed port tells
 * that it is done.
 */
function listen(port: MessagePort, bindings: Bindings): void {
  port.on('message', (message: JoinRequest | typeof closeRequest) => {
    if (message === closeRequest) void bindings.close().then(() => port.close())
    else runner?.join(message)
  })
}

async function startTracing(): Promise<WorkerTracing> {
  const { startWorkerTracing } = await import('./worker-tracing.ts')
  return startWorkerTracing(spans => post({ kind: 'spans', spans }), mask)
}

function guardProcess(): void {
  const uncaught = (what: string) => (thrown: unknown) => {
    // Before the function is loaded nobody can be charged; the end of the thread tells the pool.
    if (runner === undefined) exitThread(1)
    else runner.uncaught(thrown, what)
  }
  process.on('uncaughtException', uncaught('an error was thrown and not caught'))
  process.on('unhandledRejection', uncaught('a promise was rejected and nobody handled it'))
  process.exit = (code): never => {
    runner?.exiting(code)
    return exitThread(code)
  }
}
