import { BlockList, isIP } from 'node:net'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { MqttBrokerConfig } from '../../config/sections/mqtt-broker.ts'
import { topicFilterProblem } from './topic-filter.ts'

/**
 * Cross-field rules that a schema cannot say.
 * @throws {SluiceError} SLUICE_MQTT_INSECURE, SLUICE_MQTT_CONFIG.
 */
export function checkBrokerConfig(config: MqttBrokerConfig): void {
  if (!isLoopback(config.host) && config.users.length === 0 && !config.insecure) {
    throw new SluiceError(
      'SLUICE_MQTT_INSECURE',
      `mqtt.host is ${config.host} and no users are configured, so everybody on the network could publish; ` +
        'configure mqtt.users, bind to 127.0.0.1, or say mqtt.insecure: true',
    )
  }
  for (const filter of config.brokerOnly) {
    const problem = topicFilterProblem(filter)
    if (problem !== undefined) throw new SluiceError('SLUICE_MQTT_CONFIG', `mqtt.brokerOnly: ${problem}`)
  }
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** A name other than localhost can resolve to anything, today or tomorrow. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  const version = isIP(host)
  return version !== 0 && loopback.check(host, version === 4 ? 'ipv4' : 'ipv6')
}

/** How long an acknowledgement may be withheld from a client: it gives up at 1.5 times its keep-alive (0: never). */
export function holdLimitMs(acceptTimeoutMs: number, keepaliveSeconds: number): number {
  return keepaliveSeconds === 0 ? acceptTimeoutMs : Math.min(acceptTimeoutMs, keepaliveSeconds * 1000)
}
