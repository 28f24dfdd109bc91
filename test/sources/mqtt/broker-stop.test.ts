import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { RawMqttClient } from '../../support/mqtt/raw-mqtt-client.ts'
import { startBroker } from './embedded-broker.ts'

it('stops although a connection has not said CONNECT yet', { timeout: 5_000 }, async () => {
  const test = await startBroker({ connectTimeoutMs: 60_000 })
  const client = await RawMqttClient.connect({ port: test.port })
  const silent = connect({ port: test.port, host: '127.0.0.1' })
  onTestFinished(() => void silent.destroy())
  await once(silent, 'connect')
  await client.kill()
  await test.stop()
  expect(test.broker.state).toBe('stopped')
})
