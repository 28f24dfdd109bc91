import type { KafkaConfig } from '../config/config.ts'
import type { KafkaClient } from '../log/kafka/kafka-client.ts'
import { createKafkajsClient } from '../log/kafka/kafkajs/kafkajs-client.ts'
import type { Logger } from '../telemetry/logger.ts'

/** The one client of the gateway; it connects when it is first used. */
export function connectKafka({ brokers, clientId, ssl, sasl }: KafkaConfig, logger: Logger): KafkaClient {
  return createKafkajsClient({
    brokers,
    clientId,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
    log: (level, message, details) => logger[level]({ ...details, part: 'kafka' }, message),
    logLevel: 'error',
    // Below the time that a stop may take: a commit that Kafka does not answer must not hold it up.
    commitTimeoutMs: 5_000,
  })
}
