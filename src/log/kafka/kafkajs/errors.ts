import type { ErrorCode } from '../../../errors/error-codes.ts'
import { messageOf, SluiceError } from '../../../errors/sluice-error.ts'
import { missingCodecOf } from './codecs.ts'

/** The fields that kafkajs errors carry, as far as they matter. */
interface KafkajsError {
  readonly name?: unknown
  readonly message?: unknown
  /** Name of a protocol error, such as `REBALANCE_IN_PROGRESS`. */
  readonly type?: unknown
  readonly retriable?: unknown
  readonly cause?: unknown
  readonly originalError?: unknown
}

const MAX_CAUSES = 8

/** The error itself and what caused it, outermost first. kafkajs wraps the interesting one in retry errors. */
function chainOf(thrown: unknown): KafkajsError[] {
  const chain: KafkajsError[] = []
  for (let at = thrown; at instanceof Error && chain.length < MAX_CAUSES; at = (at as KafkajsError).cause)
    chain.push(at)
  return chain
}

const hasType = (thrown: unknown, types: ReadonlySet<unknown>): boolean =>
  chainOf(thrown).some(({ type }) => types.has(type))

/** The membership that a request was made for is over or being remade. */
const membershipTypes: ReadonlySet<unknown> = new Set([
  'REBALANCE_IN_PROGRESS',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'NOT_COORDINATOR_FOR_GROUP',
  'FENCED_INSTANCE_ID',
])

export const isMembershipError = (thrown: unknown): boolean => hasType(thrown, membershipTypes)

const tooLargeTypes: ReadonlySet<unknown> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])

export const isTooLarge = (thrown: unknown): boolean => hasType(thrown, tooLargeTypes)

const deniedTypes: ReadonlySet<unknown> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
])

export const isDenied = (thrown: unknown): boolean =>
  hasType(thrown, deniedTypes) || chainOf(thrown).some(({ name }) => name === 'KafkaJSSASLAuthenticationError')

const passingTypes: ReadonlySet<unknown> = new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE'])

/** The brokers are just starting or electing; a moment later it is over. */
export const isPassing = (thrown: unknown): boolean => hasType(thrown, passingTypes)

const unknownTopicTypes: ReadonlySet<unknown> = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION'])

export const isUnknownTopic = (thrown: unknown): boolean => hasType(thrown, unknownTopicTypes)

const connectionNames: ReadonlySet<unknown> = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSBrokerNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSMetadataNotLoaded',
  'KafkaJSTopicMetadataNotLoaded',
  'KafkaJSGroupCoordinatorNotFound',
])

const isConnectionError = (thrown: unknown): boolean => chainOf(thrown).some(({ name }) => connectionNames.has(name))

/**
 * The one funnel from kafkajs errors to ours: the codes that mean the same wherever they come from, and `fallback` for
 * the rest. `doing` completes the sentence "Kafka could not …".
 */
export function kafkaErrorOf(thrown: unknown, fallback: ErrorCode, doing: string): SluiceError {
  if (thrown instanceof SluiceError) return thrown
  const chain = chainOf(thrown)
  const codec = chain.map(missingCodecOf).find(name => name !== undefined)
  if (codec !== undefined) {
    const remedy =
      'let its producers use zstd, gzip or no compression, or set compression.type of the topic to one of these'
    return new SluiceError('SLUICE_KAFKA_CODEC', `Kafka could not ${doing}: Sluice has no ${codec} codec; ${remedy}`, {
      cause: thrown,
      details: { codec },
    })
  }
  return new SluiceError(codeOf(thrown, fallback), `Kafka could not ${doing}: ${messageOf(chain.at(-1) ?? thrown)}`, {
    cause: thrown,
  })
}

function codeOf(thrown: unknown, fallback: ErrorCode): ErrorCode {
  if (isDenied(thrown)) return 'SLUICE_KAFKA_DENIED'
  if (isTooLarge(thrown)) return 'SLUICE_KAFKA_RECORD_TOO_LARGE'
  if (fallback === 'SLUICE_KAFKA_PRODUCE' || fallback === 'SLUICE_KAFKA_COMMIT') return fallback
  if (isUnknownTopic(thrown)) return 'SLUICE_KAFKA_TOPIC'
  return isConnectionError(thrown) ? 'SLUICE_KAFKA_UNREACHABLE' : fallback
}
