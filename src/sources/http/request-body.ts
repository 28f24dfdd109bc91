import type { IncomingMessage } from 'node:http'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { InflightGauge } from './inflight-gauge.ts'

const EMPTY = Buffer.alloc(0)

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
  let isDone = false

  const fail = (error: SluiceError): void => {
    if (isDone) return
    isDone = true
    // The listener for errors stays: a connection that breaks later must not become an unhandled 'error'.
    request.removeListener('data', onData)
    request.removeListener('end', onEnd)
    gauge.add(-received)
    done(error, EMPTY)
  }
  const onData = (chunk: Buffer): void => {
    received += chunk.length
    gauge.add(chunk.length)
    if (received > maxBytes) return fail(bodyTooLarge(maxBytes))
    const { overflow } = gauge
    if (overflow !== undefined) return fail(overflow)
    if (first === undefined) first = chunk
    else if (more === undefined) more = [first, chunk]
    else more.push(chunk)
  }
  // Nothing comes after the end: taking the listeners off a request that is complete would be work for nothing.
  const onEnd = (): void => {
    isDone = true
    done(undefined, more === undefined ? (first ?? EMPTY) : Buffer.concat(more, received))
  }
  const onError = (cause: Error): void =>
    fail(new SluiceError('SLUICE_HTTP_ABORTED', 'the connection broke before the body was complete', { cause }))

  request.on('data', onData)
  request.on('end', onEnd)
  request.on('error', onError)
}

export function bodyTooLarge(maxBytes: number): SluiceError {
  return new SluiceError(
    'SLUICE_HTTP_BODY_TOO_LARGE',
    `the body is larger than ${maxBytes} bytes; send less, or raise maxBodyBytes of the source`,
    { details: { maxBytes } },
  )
}
