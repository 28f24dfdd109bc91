import type { MqttClient } from 'mqtt'
import { messageOf } from '../../errors/sluice-error.ts'

/** The first reason code of SUBACK that is a failure (MQTT 3.1.1 §3.9.3, MQTT 5 §3.9.3). */
const firstFailure = 0x80

/**
 * Subscribes at QoS 1 and tells what the broker did not grant, one line per filter. Never rejects.
 * @param retainHandling MQTT 5 only.
 */
export async function subscribeAll(
  client: MqttClient,
  filters: readonly string[],
  retainHandling: 0 | 1 | 2,
): Promise<readonly string[]> {
  // One packet each: mqtt.js tells only of the first failure of a packet with several filters.
  const problems = await Promise.all(filters.map(filter => subscribe(client, filter, retainHandling)))
  return problems.filter(problem => problem !== undefined)
}

function subscribe(client: MqttClient, filter: string, rh: 0 | 1 | 2): Promise<string | undefined> {
  return new Promise(resolve => {
    client.subscribe(filter, { qos: 1, rh }, (error, _subscriptions, suback) => {
      const code = (suback?.granted as readonly number[] | undefined)?.[0]
      if (code !== undefined && code >= firstFailure)
        resolve(`"${filter}" was refused with reason 0x${code.toString(16)}`)
      else if (error) resolve(`"${filter}": ${messageOf(error)}`)
      else if (code === 0) resolve(`"${filter}" was granted with QoS 0 only, which loses messages`)
      else resolve(undefined)
    })
  })
}
