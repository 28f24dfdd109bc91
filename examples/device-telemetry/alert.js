/** Degrees Celsius, unless the environment says otherwise. */
const defaultLimit = 80

/** Raises an alert when a device is too hot. What it returns goes to the MQTT topic `alerts/<device>`. */
export default function alert(event, context) {
  const { temperature } = event.data
  if (typeof temperature !== 'number') throw new TypeError(`${event.subject} sent no temperature`)
  const limit = Number(context.env.TEMPERATURE_LIMIT ?? defaultLimit)
  // Nothing returned, nothing sent: most readings end here.
  if (temperature <= limit) return

  context.logger.warn('too hot', { device: event.subject, temperature, limit })
  return {
    type: 'com.example.alert',
    subject: event.subject,
    data: {
      device: event.subject,
      temperature,
      limit,
      severity: temperature > limit + 20 ? 'critical' : 'warning',
    },
  }
}
