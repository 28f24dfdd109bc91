/** How the MQTT parts tell people what happens; the gateway puts its logger here. */
export type MqttReport = (
  level: 'info' | 'warn' | 'error',
  message: string,
  facts: Readonly<Record<string, unknown>>,
) => void
