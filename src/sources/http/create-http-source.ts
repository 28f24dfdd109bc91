import type { HttpSourceConfig } from '../../config/sections/http-source.ts'
import type { ReceiveTracer } from '../receive-tracer.ts'
import type { StreamIntake } from '../source.ts'
import { HttpSource } from './http-source.ts'
import type { IngestRoutes } from './ingest-routes.ts'
import type { InvokeFunction } from './invoke-function.ts'
import { ReplyTaker } from './reply-taker.ts'
import { StreamTaker } from './stream-taker.ts'

export interface CreateHttpSourceOptions {
  readonly name: string
  readonly config: HttpSourceConfig
  /** Of the listener that serves the source. */
  readonly routes: IngestRoutes
  /** The way into the source's stream; not used when `config.reply` is set. */
  readonly intake: StreamIntake | undefined
  /** Runs the function that `config.reply` names. */
  readonly invoke?: InvokeFunction
  readonly tracer?: ReceiveTracer
  readonly onUnexpected?: (error: unknown) => void
}

/**
 * Creates the source that its configuration describes: one that keeps events, or one that replies.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID for a mapping or secret that cannot be used.
 */
export function createHttpSource(options: CreateHttpSourceOptions): HttpSource {
  const { intake, invoke, ...common } = options
  const { reply } = options.config
  if (reply === undefined) {
    if (intake === undefined) throw new TypeError(`the source ${options.name} needs an intake`)
    return new HttpSource({ ...common, taker: new StreamTaker(intake) })
  }
  if (invoke === undefined) throw new TypeError(`the source ${options.name} replies and needs invoke`)
  const taker = new ReplyTaker({ functionName: reply.function, timeoutMs: reply.timeoutMs, invoke })
  return new HttpSource({ ...common, taker })
}
