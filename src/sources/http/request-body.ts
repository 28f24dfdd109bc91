import type { IncomingMessage } from 'node:http'
import { SluiceError } from '../../errors/sluice-error.ts'

const EMPTY = Buffer.alloc(0)

/** Bytes and requests in progress of one listener: what is refused beyond them costs no memory. */
export interface InflightLimits {
  readonly maxRequests: number
  readonly maxBytes: number
}

/** Counts what is in progress. Bodies count as they arrive: a promised length that never comes must not lock others out. */
export class InflightGauge {
  readonly #limits: InflightLimits
  requests = 0
  bytes = 0

  constructor(limits: InflightLimits) {
    this.#limits = limits
  }

  /** Whether one more request with that many bytes may begin. */
  hasRoomFor(bytes: number): boolean {
    return this.requests < this.#limits.maxRequests && this.bytes + bytes <= this.#limits.maxBytes
  }

  get isOverfull(): boolean {
    return this.bytes > this.#limits.maxBytes
  }
}

/**
 * Reads a body up to `maxBytes` and hands it over once. Bytes are added to the gauge as they arrive; whoever gets a body
 * takes its length off again, a failed one is taken off here. After a failure the rest is left unread.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  gauge: InflightGauge,
  done: (error: SluiceError | undefined, body: Buffer) => void,
): void {
  let first: Buffer | undefined
  let more: Buffer[] | undefined
  let received = 0

  const finish = (error: SluiceError | undefined): void => {
    request.removeListener('data', onData)
    request.removeListener('end', onEnd)
    request.removeListener('error', onError)
    if (error === undefined)
      return done(undefined, more === undefined ? (first ?? EMPTY) : Buffer.concat(more, received))
    gauge.bytes -= received
    // The listeners are gone, but a connection that breaks later must not become an unhandled 'error'.
    request.on('error', ignore)
    done(error, EMPTY)
  }
  const onData = (chunk: Buffer): void => {
    received += chunk.length
    gauge.bytes += chunk.length
    if (received > maxBytes) return finish(bodyTooLarge(maxBytes))
    if (gauge.isOverfull) return finish(overloaded())
    if (first === undefined) first = chunk
    else if (more === undefined) more = [first, chunk]
    else more.push(chunk)
  }
  const onEnd = (): void => finish(undefined)
  const onError = (cause: Error): void =>
    finish(new SluiceError('SLUICE_HTTP_ABORTED', 'the connection broke before the body was complete', { cause }))

  request.on('data', onData)
  request.on('end', onEnd)
  request.on('error', onError)
}

const ignore = (): void => undefined

export function bodyTooLarge(maxBytes: number): SluiceError {
  return new SluiceError(
    'SLUICE_HTTP_BODY_TOO_LARGE',
    `the body is larger than ${maxBytes} bytes; send less, or raise maxBodyBytes of the source`,
    { details: { maxBytes } },
  )
}

export function overloaded(): SluiceError {
  return new SluiceError('SLUICE_HTTP_OVERLOADED', 'too many requests are waiting; send this one again later', {
    details: { retryAfterMs: 1000 },
  })
}
