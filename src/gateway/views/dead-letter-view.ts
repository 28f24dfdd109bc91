import type { DeadLetterView } from '../../api/views/trigger-view.ts'
import { decodeEventHeader } from '../../events/event-header-codec.ts'
import type { DeadLetter } from '../../store/home-store.ts'

/** Bytes of an event that an answer shows; the store keeps all of them. */
const shownBytes = 64 * 1024

/**
 * A dead letter as the API shows it.
 * @param trigger its name: the store knows it by its uid.
 */
export function deadLetterView(letter: DeadLetter, trigger: string): DeadLetterView {
  const { id, stream, partition, offset, key, stage, reason, message, createdAtMs, value } = letter
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
    failures: JSON.parse(letter.failures) as unknown[],
    createdAtMs,
    event: attributesOf(letter),
    dataBase64: value === null ? null : Buffer.from(value.subarray(0, shownBytes)).toString('base64'),
    dataBytes: value?.length ?? 0,
  }
}

function attributesOf({ header, eventId }: DeadLetter): Record<string, unknown> {
  try {
    return { ...decodeEventHeader(Buffer.from(header.buffer, header.byteOffset, header.byteLength)) }
  } catch {
    // What could not become an event has no attributes but its place.
    return { id: eventId }
  }
}
