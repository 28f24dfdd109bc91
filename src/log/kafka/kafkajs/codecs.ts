import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** A batch of records that grows beyond this is taken for an attack or for damage. Brokers allow 1 MiB by default, compressed. */
const MAX_BATCH_BYTES = 256 * 1024 * 1024

/** The codecs by the names Kafka's own settings use; `unavailable` ones cannot be read either. */
export const unavailableCodecs = ['snappy', 'lz4'] as const

/**
 * Registers what Node has and kafkajs lacks. kafkajs reads and writes gzip itself; Snappy and LZ4 need packages that
 * Sluice does not bring, and fail with an error that says so (see errors.ts). The registry is global; idempotent.
 */
export function registerCodecs(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { buffer: Buffer }) => compress(encoder.buffer),
    decompress: (buffer: Buffer) => decompress(buffer, { maxOutputLength: MAX_BATCH_BYTES }),
  })
}

/** The codec a kafkajs error complains about, by its name in Kafka; undefined for any other error. */
export function missingCodecOf(error: { readonly name?: unknown; readonly message?: unknown }): string | undefined {
  if (error.name !== 'KafkaJSNotImplemented') return undefined
  const [first = ''] = String(error.message).toLowerCase().split(' ')
  return unavailableCodecs.find(codec => codec === first)
}
