import { SluiceError } from '../../errors/sluice-error.ts'
import type { ApiQuery } from '../api-client.ts'

/** How events are asked for: `orders/3/4711`, a trace id or a `traceparent`, `key:c7`, `event:42`, or the id of an event. */
export interface EventQuestion {
  readonly query: ApiQuery
  /** What is asked instead where nothing is found: an id may look like a trace. */
  readonly otherwise?: ApiQuery
}

/** @throws {SluiceError} SLUICE_CLI_USAGE when it asks for two things at once. */
export function eventQuestion(what: string | undefined, keyOption: string | undefined): EventQuestion {
  if (keyOption !== undefined && what !== undefined)
    throw new SluiceError('SLUICE_CLI_USAGE', `ask about --key ${keyOption} or about ${what}, not both`)
  const key = keyOption ?? /^key:(.+)$/s.exec(what ?? '')?.[1]
  if (key !== undefined) return { query: { key } }
  if (what === undefined) return { query: {} }
  const place = /^([a-z0-9][a-z0-9-]*)\/(\d+)\/(\d+)$/.exec(what)
  if (place !== null) return { query: { stream: place[1], partition: place[2], offset: place[3] } }
  const named = /^(event|trace):(.+)$/s.exec(what)
  if (named !== null) return { query: { [named[1] === 'event' ? 'id' : 'trace']: named[2] } }
  if (/^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(what)) return { query: { trace: what } }
  if (/^[0-9a-f]{32}$/.test(what)) return { query: { trace: what }, otherwise: { id: what } }
  return { query: { id: what } }
}
