import { parentPort, workerData } from 'node:worker_threads'
import { ObservationsDatabase, type ObservationsBounds } from './observations-database.ts'
import type { FunctionLogLine, LogQuery, VersionSample } from './observations.ts'
import { RecentEventsDatabase } from './recent-events-database.ts'
import type { MomentChunk, MomentGap, MomentQuery, RecentEventsBounds } from './recent-events.ts'

/** What the thread is started with; without bounds there is no index of recent events. */
export type ObservationsThreadData = ObservationsBounds & { readonly recentEvents: RecentEventsBounds | undefined }

/** A call from sqlite-observations.ts. `id` comes back in the answer of a read. */
export type ObservationsCall =
  | { readonly kind: 'write'; readonly lines: readonly FunctionLogLine[]; readonly samples: readonly VersionSample[] }
  | { readonly kind: 'logs'; readonly id: number; readonly query: LogQuery }
  | { readonly kind: 'samples'; readonly id: number; readonly function: string; readonly fromMs: number }
  | { readonly kind: 'keep'; readonly chunk: MomentChunk }
  | { readonly kind: 'keep-gap'; readonly gap: MomentGap }
  | { readonly kind: 'find'; readonly id: number; readonly query: MomentQuery }
  | { readonly kind: 'close' }

export type ObservationsReply =
  /** To writes, in their order: the id of every line, 0 or absent where it could not be kept. */
  | { readonly kind: 'written'; readonly ids: readonly number[] }
  /** To chunks, in their order. */
  | { readonly kind: 'kept'; readonly isKept: boolean }
  | { readonly kind: 'answer'; readonly id: number; readonly rows: unknown }
  | { readonly kind: 'refused'; readonly id: number; readonly error: string }
  | { readonly kind: 'warning'; readonly message: string }

const trimIntervalMs = 60_000

/** Calls are served one by one, in their order; trimming steps stand between them. */
function serve(port: NonNullable<typeof parentPort>): void {
  const reply = (message: ObservationsReply): void => port.postMessage(message)
  const { recentEvents, ...bounds } = workerData as ObservationsThreadData
  const warn = (message: string): void => reply({ kind: 'warning', message })
  const database = new ObservationsDatabase(bounds, warn)
  const recent =
    recentEvents === undefined
      ? undefined
      : attempt(() => new RecentEventsDatabase(bounds.dir, recentEvents, warn), warn)

  let trimming: NodeJS.Immediate | undefined
  /** Takes away what is too much or too old, step by step, with the calls that wait in between. */
  const trim = (): void => {
    clearImmediate(trimming)
    trimming = setImmediate(() => {
      if (attempt(() => database.trimExcess() || database.trimAged(Date.now()))) trim()
    })
  }
  trim()
  const interval = setInterval(() => {
    trim()
    attempt(() => recent?.trimAged(Date.now()))
  }, trimIntervalMs)

  const write = (call: ObservationsCall & { kind: 'write' }): void => {
    const ids = attempt(() => database.write(call.lines, call.samples))
    reply({ kind: 'written', ids: ids ?? [] })
    // A step is larger than any batch, so that the bound holds however busy it is.
    if (ids !== undefined) attempt(() => database.trimExcess())
  }

  const read = (id: number, run: () => unknown): void => {
    try {
      reply({ kind: 'answer', id, rows: run() })
    } catch (error) {
      reply({ kind: 'refused', id, error: String(error) })
    }
  }

  port.on('message', (call: ObservationsCall) => {
    switch (call.kind) {
      case 'write':
        return write(call)
      case 'logs':
        return read(call.id, () => database.logs(call.query))
      case 'samples':
        return read(call.id, () => database.samples(call.function, call.fromMs))
      case 'keep':
        return reply({ kind: 'kept', isKept: attempt(() => recent?.keep(call.chunk) ?? true) === true })
      case 'keep-gap':
        attempt(() => recent?.keepGap(call.gap))
        return
      case 'find':
        return read(call.id, () => recent?.find(call.query))
      case 'close':
        clearInterval(interval)
        clearImmediate(trimming)
        attempt(() => recent?.close())
        database.close()
        port.close()
    }
  })
}

/** Somebody may hold the file locked, or the disk is full: no reason to end. The lines are lost, the next ones may not be. */
function attempt<T>(run: () => T, onFailed?: (message: string) => void): T | undefined {
  try {
    return run()
  } catch (error) {
    onFailed?.(`the index of recent events cannot be opened: ${String(error)}`)
    return undefined
  }
}

if (parentPort !== null) serve(parentPort)
