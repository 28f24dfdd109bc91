import { Value } from 'typebox/value'
import { mqttBrokerSchema, type MqttBrokerConfig } from '../../../src/config/sections/mqtt-broker.ts'
import { compileMapping } from '../../../src/events/mapping.ts'
import type { EventProblem } from '../../../src/events/event-reader.ts'
import { createBrokerSource, type BrokerSourceOptions } from '../../../src/sources/mqtt/broker-source.ts'
import { EmbeddedBroker } from '../../../src/sources/mqtt/broker.ts'
import { createPublicationDecoder } from '../../../src/sources/mqtt/decode-publication.ts'
import type { Publication } from '../../../src/sources/mqtt/publication.ts'
import type { Source, StreamIntake } from '../../../src/sources/source.ts'
import { ControlledIntake } from './controlled-intake.ts'

export const telemetryMapping = compileMapping(
  { type: 'com.example.telemetry', subject: { topicLevel: 1 }, partitionkey: { topicLevel: 1 } },
  'mqtt',
)

export const telemetryDecoder = createPublicationDecoder(telemetryMapping, {
  source: '/devices',
  type: 'com.example.telemetry',
})

export interface TestBroker {
  readonly broker: EmbeddedBroker
  readonly source: Source
  readonly intake: ControlledIntake
  readonly deadLetters: { problem: EventProblem; publication: Publication }[]
  readonly reports: string[]
  readonly port: number
  stop(): Promise<void>
}

/** A real broker on a free port with the source `devices` on devices/+/telemetry. */
export async function startBroker(
  config: Partial<MqttBrokerConfig> = {},
  options: Partial<BrokerSourceOptions> & { dataDir?: string; intake?: StreamIntake } = {},
): Promise<TestBroker> {
  const { dataDir, ...sourceOptions } = options
  const intake = (options.intake as ControlledIntake | undefined) ?? new ControlledIntake()
  const deadLetters: TestBroker['deadLetters'] = []
  const reports: string[] = []
  const broker = new EmbeddedBroker({
    config: { ...(Value.Default(mqttBrokerSchema, {}) as MqttBrokerConfig), port: 0, ...config },
    ...(dataDir === undefined ? {} : { dataDir }),
    report: (_level, message) => void reports.push(message),
  })
  const source = createBrokerSource({
    source: 'devices',
    broker,
    topics: ['devices/+/telemetry'],
    forward: false,
    decode: telemetryDecoder,
    invalid: 'dead-letter',
    deadLetter: (problem, publication) => {
      deadLetters.push({ problem, publication })
      return Promise.resolve()
    },
    maxHeldBytes: 1024 * 1024,
    ...sourceOptions,
    intake,
  })
  await source.start()
  await broker.start()
  return {
    broker,
    source,
    intake,
    deadLetters,
    reports,
    port: broker.port,
    async stop() {
      intake.release?.()
      await source.stop()
      await broker.stop()
    },
  }
}
