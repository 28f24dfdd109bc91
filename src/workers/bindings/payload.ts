import { types } from 'node:util'

/** A value on its way out, as bytes or text. */
export interface Payload {
  readonly data: string | Uint8Array
  readonly contentType: string
}

/**
 * Bytes and text as they are, anything else as JSON.
 * @throws {TypeError} for a value without a JSON form.
 */
export function encodePayload(value: unknown): Payload {
  if (typeof value === 'string') return { data: value, contentType: 'text/plain; charset=utf-8' }
  if (types.isUint8Array(value)) return { data: value, contentType: 'application/octet-stream' }
  if (types.isAnyArrayBuffer(value)) return { data: new Uint8Array(value), contentType: 'application/octet-stream' }
  const json = JSON.stringify(value) as string | undefined
  if (json === undefined) throw new TypeError(`a ${typeof value} has no JSON form`)
  return { data: json, contentType: 'application/json' }
}

export function bytesOf({ data }: Payload): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
