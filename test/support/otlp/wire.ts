/** How a field is written; `message` names the schema of a nested one. */
export type FieldType =
  'string' | 'id' | 'bytes' | 'bool' | 'int64' | 'uint32' | 'fixed32' | 'fixed64' | 'sfixed64' | 'double' | Schema

export interface Field {
  name: string
  type: FieldType
  repeated?: boolean
}

/** The fields of a protobuf message by number; a function, so that messages may contain themselves. */
export type Schema = () => Readonly<Record<number, Field>>

/** A message in the shape of OTLP's JSON encoding: 64-bit integers are decimal strings, ids hexadecimal. */
export type Message = Record<string, unknown>

const VARINT = 0
const EIGHT_BYTES = 1
const LENGTH = 2
const FOUR_BYTES = 5

/** Decodes a protobuf message (protobuf.dev, "Encoding"), leaving out fields the schema does not name. Throws RangeError on cut-off input. */
export function decodeMessage(bytes: Buffer, schema: Schema): Message {
  const reader = new Reader(bytes)
  const fields = schema()
  const message: Message = {}
  while (!reader.isAtEnd) {
    const tag = Number(reader.varint())
    const wireType = tag & 7
    const field = fields[tag >>> 3]
    if (!field) {
      reader.skip(wireType)
      continue
    }
    for (const value of readField(reader, wireType, field)) {
      if (field.repeated) ((message[field.name] ??= []) as unknown[]).push(value)
      else message[field.name] = value
    }
  }
  return message
}

function readField(reader: Reader, wireType: number, { type, repeated }: Field): unknown[] {
  const isPacked = repeated && wireType === LENGTH && (type === 'fixed64' || type === 'double')
  if (!isPacked) return [readValue(reader, type)]
  const packed = new Reader(reader.bytes())
  const values: unknown[] = []
  while (!packed.isAtEnd) values.push(readValue(packed, type))
  return values
}

function readValue(reader: Reader, type: FieldType): unknown {
  switch (type) {
    case 'string':
      return reader.bytes().toString('utf8')
    case 'id':
      return reader.bytes().toString('hex')
    case 'bytes':
      return reader.bytes().toString('base64')
    case 'bool':
      return reader.varint() !== 0n
    case 'int64':
      return BigInt.asIntN(64, reader.varint()).toString()
    case 'uint32':
      return Number(reader.varint())
    case 'fixed32':
      return reader.take(4).readUInt32LE()
    case 'fixed64':
      return reader.take(8).readBigUInt64LE().toString()
    case 'sfixed64':
      return reader.take(8).readBigInt64LE().toString()
    case 'double':
      return reader.take(8).readDoubleLE()
    default:
      return decodeMessage(reader.bytes(), type)
  }
}

class Reader {
  readonly #bytes: Buffer
  #offset = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#offset >= this.#bytes.length
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw new RangeError('a varint is longer than ten bytes')
  }

  bytes(): Buffer {
    return this.take(Number(this.varint()))
  }

  take(length: number): Buffer {
    const end = this.#offset + length
    if (end > this.#bytes.length) throw new RangeError(`the message ends ${end - this.#bytes.length} bytes too early`)
    const taken = this.#bytes.subarray(this.#offset, end)
    this.#offset = end
    return taken
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint()
    else if (wireType === EIGHT_BYTES) this.take(8)
    else if (wireType === LENGTH) this.bytes()
    else if (wireType === FOUR_BYTES) this.take(4)
    else throw new RangeError(`wire type ${wireType} does not exist`)
  }
}
