/** One entry of what `producer.send` resolves with. */
export interface ProduceResponse {
  readonly topicName?: unknown
  readonly partition?: unknown
  readonly errorCode?: unknown
  readonly baseOffset?: unknown
}

/**
 * The offset of the first record, if the response really says that the batch was written; undefined for anything else.
 * kafkajs resolves `send` with the entries of the brokers that answered, which can be none (tulios/kafkajs#1303).
 */
export function acknowledgedOffset(response: unknown, topic: string, partition: number): number | undefined {
  if (!Array.isArray(response) || response.length !== 1) return undefined
  const entry = response[0] as ProduceResponse
  if (entry.topicName !== topic || entry.partition !== partition || entry.errorCode !== 0) return undefined
  if (typeof entry.baseOffset !== 'string' || !/^\d+$/.test(entry.baseOffset)) return undefined
  const offset = Number(entry.baseOffset)
  return Number.isSafeInteger(offset) ? offset : undefined
}
