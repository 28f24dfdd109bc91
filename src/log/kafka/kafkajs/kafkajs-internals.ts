import { createRequire } from 'node:module'

/*
 * kafkajs 2.2.4 is unmaintained, so what it does wrong can only be put right from outside. Everything that this folder
 * touches beyond the public API of kafkajs is declared here, and the version is pinned exactly in package.json.
 */
const load = createRequire(import.meta.url)

/** `kafkajs/src/network/requestQueue`: the requests of one broker connection. */
export interface RequestQueueInternals {
  readonly pending: readonly unknown[]
  /** Until when the broker asked us to send nothing, ms since the epoch; -1 at first. */
  readonly throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

/** `kafkajs/src/consumer/offsetManager`: one object per generation of a group, which keeps the generation it was made for. */
export interface OffsetManagerInternals {
  commitOffsets(payload: {
    topics: { topic: string; partitions: { partition: number; offset: string; metadata: null }[] }[]
  }): Promise<void>
}

/** `kafkajs/src/consumer/consumerGroup`: the membership of one consumer, from `run` to its stop or crash. */
export interface ConsumerGroupInternals {
  readonly generationId: number
  /** Null before the first join. */
  memberId: string | null
  readonly offsetManager: OffsetManagerInternals
  readonly assigners: readonly object[]
  joinAndSync(): Promise<void>
  resolveOffset(position: { topic: string; partition: number; offset: string }): void
  recoverFromOffsetOutOfRange(error: { topic: string; partition: number }): Promise<void>
}

export interface ClusterInternals {
  connect(): Promise<void>
  disconnect(): Promise<void>
  addTargetTopic(topic: string): Promise<void>
  refreshMetadata(): Promise<void>
  findLeaderForPartitions(topic: string, partitions: number[]): Record<string, number[]>
  findBroker(node: { nodeId: string }): Promise<BrokerInternals>
}

export interface BrokerInternals {
  fetch(request: {
    maxWaitTime: number
    minBytes: number
    maxBytes: number
    isolationLevel: number
    topics: { topic: string; partitions: { partition: number; fetchOffset: string; maxBytes: number }[] }[]
  }): Promise<{ responses: { partitions: { partition: number; highWatermark: string }[] }[] }>
}

/** A message as kafkajs decodes it. A header that repeats is an array; inherited names may smuggle other values in. */
export interface DecodedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, unknown>>
}

/** `kafkajs/src/consumer/batch`: filters what a fetch brings too much: earlier records, aborted ones, control records. */
export interface BatchInternals {
  readonly partition: number
  readonly fetchedOffset: string
  readonly messages: readonly DecodedMessage[]
  isEmptyDueToFiltering(): boolean
  lastOffset(): string
}

export const RequestQueue = load('kafkajs/src/network/requestQueue') as { prototype: RequestQueueInternals }
export const ConsumerGroup = load('kafkajs/src/consumer/consumerGroup') as { prototype: ConsumerGroupInternals }
export const Batch = load('kafkajs/src/consumer/batch') as new (
  topic: string,
  fetchedOffset: string,
  partitionData: unknown,
) => BatchInternals
