import type { DeadLetterView } from '../../api/views/dead-letter-view.ts'
import { decodeEventHeader } from '../../events/event-header-codec.ts'
import type { DeadLetter } from '../../store/dead-letters.ts'

/** Bytes of an event that a list shows; the store keeps all of them. */
export const shownBytes = 64 * 1024

/**
 * A dead letter as the API shows it.
 * @param trigger its name: the store knows it by its uid.
 */
export function deadLetterView(letter: DeadLetter, trigger: string): DeadLetterView {
  const { id, stream, partition, offset, key, stage, reason, message, attempts, value, valueBytes } = letter
  const { redriveCount, redrive, firstSeenAtMs, createdAtMs, lastAttemptAtMs, failures, results, header } = letter
  const event = attributesOf(letter)
  return {
    id,
    trigger,
    stream,
    partition,
    offset,
    key,
    stage,
    function: letter.function,
    reason,
    message,
    attempts,
    failures: JSON.parse(failures) as unknown[],
    redrives: redriveCount,
    redrive: redrive === 0 ? null : redrive,
    results: results === '' ? [] : (JSON.parse(results) as unknown[]),
    acceptedAtMs: Math.round(firstSeenAtMs),
    createdAtMs,
    lastAttemptAtMs,
    event: event ?? { id: letter.eventId },
    headerBase64: event === undefined ? bufferOf(header).toString('base64') : null,
    dataBase64: value === null ? null : bufferOf(value).toString('base64'),
    dataBytes: valueBytes,
  }
}

/** What could not become an event has no attributes. */
function attributesOf({ header }: DeadLetter): Record<string, unknown> | undefined {
  try {
    return { ...decodeEventHeader(bufferOf(header)) }
  } catch {
    return undefined
  }
}

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
