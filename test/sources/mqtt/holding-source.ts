import { Value } from 'typebox/value'
import { mqttSourceBrokerSchema, type MqttSourceBrokerConfig } from '../../../src/config/sections/mqtt-source.ts'
import { createClientSource } from '../../../src/sources/mqtt/client-source.ts'
import { telemetryDecoder } from './embedded-broker.ts'

/** A process whose source receives and never stores; to be killed. Arguments: url, protocol version. */
const [url, protocolVersion] = process.argv.slice(2) as [string, string]

const source = createClientSource({
  source: 'plant',
  broker: {
    ...(Value.Default(mqttSourceBrokerSchema, {}) as MqttSourceBrokerConfig),
    url,
    protocolVersion: Number(protocolVersion) as 4 | 5,
  },
  topics: ['devices/+/telemetry'],
  decode: telemetryDecoder,
  invalid: 'dead-letter',
  retained: 'skip',
  deadLetter: () => Promise.resolve(),
  maxHeldBytes: 1024 * 1024,
  intake: {
    stream: 'telemetry',
    accept: events => {
      console.log(`received ${events.length}`)
      return new Promise(() => {})
    },
  },
})
await source.start()
const timer = setInterval(() => {
  if (source.state !== 'running') return
  clearInterval(timer)
  console.log('running')
}, 5)
