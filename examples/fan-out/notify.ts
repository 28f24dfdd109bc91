import type { Context, SluiceEvent } from 'sluice-gateway'

interface Message {
  readonly title: string
  readonly text: string
  /** Who shall get it: devices in the field by MQTT, phones by a push service. */
  readonly devices: readonly string[]
  readonly phones: readonly string[]
}

/** One event becomes a notification for each receiver; each has its own id, is retried by itself, and is sent in order. */
export default function notify({ data, id }: SluiceEvent<Message>, context: Context): void {
  const { title, text, devices, phones } = data
  for (const device of devices) {
    const body = { type: 'com.example.notice', subject: device, data: { title, text, message: id } }
    context.emit(body, { sink: 'devices' })
  }
  for (const token of phones) {
    const body = { type: 'com.example.push', subject: token, data: { to: token, notification: { title, body: text } } }
    context.emit(body, { sink: 'push-service' })
  }
}
