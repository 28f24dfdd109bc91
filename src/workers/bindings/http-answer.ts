import { SluiceError } from '../../errors/sluice-error.ts'
import type { HttpAnswer } from '../handler-types.ts'

/** Buffers do not count to the memory limit of a worker: an endless answer would take all of the machine. */
const maxBodyBytes = 32 * 1024 * 1024

/** @throws {SluiceError} SLUICE_SINKS_REJECTED when the body is too large. */
export async function readHttpAnswer(response: Response, binding: string): Promise<HttpAnswer> {
  const parts: Uint8Array[] = []
  let bytes = 0
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader()
  while (reader !== undefined) {
    const { done, value } = await reader.read()
    if (done) break
    bytes += value.length
    if (bytes > maxBodyBytes) {
      await reader.cancel()
      const message = `binding ${binding}: the answer has more than ${maxBodyBytes} bytes; use fetch() to read it as a stream`
      throw new SluiceError('SLUICE_SINKS_REJECTED', message)
    }
    parts.push(value)
  }
  return new ReadAnswer(response, Buffer.concat(parts))
}

class ReadAnswer implements HttpAnswer {
  readonly status: number
  readonly ok: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer

  constructor({ status, ok, headers }: Response, body: Buffer) {
    this.status = status
    this.ok = ok
    this.headers = Object.fromEntries(headers)
    this.body = body
  }

  text(): string {
    return this.body.toString('utf8')
  }

  json<T = unknown>(): T {
    return JSON.parse(this.text()) as T
  }
}
