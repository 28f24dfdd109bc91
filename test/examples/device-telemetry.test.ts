import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the device telemetry example', () => {
  let gateway: ExampleGateway
  let devices: MqttClient
  let alerts: MqttInbox

  beforeAll(async () => {
    gateway = await startExample('device-telemetry', { TEMPERATURE_LIMIT: '70' })
    devices = await connectAsync(gateway.mqttUrl, { protocolVersion: 4 })
    alerts = await MqttInbox.open(gateway.mqttUrl, 'alerts/#')
  })
  afterAll(async () => {
    await devices.endAsync()
    await alerts.close()
    await gateway.stop()
    await gateway.dispose()
  })

  const publish = (device: string, temperature: unknown) =>
    devices.publishAsync(`devices/${device}/telemetry`, JSON.stringify({ temperature }), { qos: 1 })

  it('raises an alert for each reading above the limit, in the order of the device', async () => {
    const boilers = Array.from({ length: 8 }, (_, index) => `boiler-${index}`)
    for (const temperature of [21, 70, 71.5, 69, 95, 70.5]) {
      await Promise.all(boilers.map(device => publish(device, temperature)))
    }
    await alerts.waitFor(3 * boilers.length)
    for (const device of boilers) {
      const raised = alerts.values().filter(({ topic }) => topic === `alerts/${device}`)
      expect(raised.map(({ value }) => value)).toEqual([
        { device, temperature: 71.5, limit: 70, severity: 'warning' },
        { device, temperature: 95, limit: 70, severity: 'critical' },
        { device, temperature: 70.5, limit: 70, severity: 'warning' },
      ])
    }
    expect(alerts.messages).toHaveLength(3 * boilers.length)
  })

  it('keeps a reading that is none as a dead letter, while other devices go on', async () => {
    const before = alerts.messages.length
    await publish('valve-1', 'hot')
    await publish('valve-2', 88)
    await alerts.waitFor(before + 1)
    expect(alerts.messages.at(-1)?.topic).toBe('alerts/valve-2')
    const letters = await gateway.until('a dead letter', async () => {
      const found = await gateway.deadLetters('telemetry-alert')
      return found.length > 0 && found
    })
    expect(letters).toMatchObject([{ key: 'valve-1', message: expect.stringContaining('valve-1 sent no temperature') }])
    expect(await gateway.cli('logs', 'telemetry-alert', '--level', 'warn')).toContain('too hot')
  })
})
