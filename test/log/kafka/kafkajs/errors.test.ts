import kafkajs from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../../src/errors/sluice-error.ts'
import { isMembershipError, isTooLarge, kafkaErrorOf } from '../../../../src/log/kafka/kafkajs/errors.ts'

// Two constructors take a message, whatever the types say.
const SaslError = kafkajs.KafkaJSSASLAuthenticationError as new (message: string) => Error
const NotImplemented = kafkajs.KafkaJSNotImplemented as new (message: string) => Error
const protocolError = (type: string): Error =>
  new kafkajs.KafkaJSProtocolError(Object.assign(new Error(`it was ${type}`), { type, code: 1, retriable: false }))
const exhausted = (cause: Error): Error =>
  new kafkajs.KafkaJSNumberOfRetriesExceeded(cause, { retryCount: 5, retryTime: 1 })

describe('kafkaErrorOf', () => {
  it.each([
    [protocolError('TOPIC_AUTHORIZATION_FAILED'), 'SLUICE_KAFKA_DENIED'],
    [new SaslError('wrong password'), 'SLUICE_KAFKA_DENIED'],
    [protocolError('UNKNOWN_TOPIC_OR_PARTITION'), 'SLUICE_KAFKA_TOPIC'],
    [exhausted(protocolError('UNKNOWN_TOPIC_OR_PARTITION')), 'SLUICE_KAFKA_TOPIC'],
    [new kafkajs.KafkaJSConnectionError('refused', { broker: 'b:1' }), 'SLUICE_KAFKA_UNREACHABLE'],
    [exhausted(new kafkajs.KafkaJSConnectionError('refused', { broker: 'b:1' })), 'SLUICE_KAFKA_UNREACHABLE'],
    [protocolError('MESSAGE_TOO_LARGE'), 'SLUICE_KAFKA_RECORD_TOO_LARGE'],
    [protocolError('NOT_ENOUGH_REPLICAS'), 'SLUICE_KAFKA_CONSUMER'],
    ['a string', 'SLUICE_KAFKA_CONSUMER'],
  ])('%s becomes %s', (error, code) => {
    const reason = kafkaErrorOf(error, 'SLUICE_KAFKA_CONSUMER', 'do it')
    expect(reason).toBeInstanceOf(SluiceError)
    expect(reason.code).toBe(code)
    expect(reason.message).toMatch(/^Kafka could not do it: /)
  })

  it.each(['Snappy', 'LZ4'])('names the missing codec %s and what to do', codec => {
    const error = kafkaErrorOf(
      exhausted(new NotImplemented(`${codec} compression not implemented`)),
      'SLUICE_KAFKA_CONSUMER',
      'read',
    )
    expect(error).toMatchObject({
      code: 'SLUICE_KAFKA_CODEC',
      retryable: false,
      details: { codec: codec.toLowerCase() },
    })
    expect(error.message).toContain('zstd, gzip or no compression')
  })

  it('leaves our own errors alone', () => {
    const own = new SluiceError('SLUICE_KAFKA_CLOSED', 'closed')
    expect(kafkaErrorOf(own, 'SLUICE_KAFKA_CONSUMER', 'x')).toBe(own)
  })
})

describe('predicates', () => {
  it('look through the errors that kafkajs wraps around', () => {
    expect(isMembershipError(exhausted(protocolError('ILLEGAL_GENERATION')))).toBe(true)
    expect(isTooLarge(exhausted(protocolError('RECORD_LIST_TOO_LARGE')))).toBe(true)
    expect(isMembershipError(protocolError('NOT_ENOUGH_REPLICAS'))).toBe(false)
    expect(isMembershipError(undefined)).toBe(false)
  })
})
