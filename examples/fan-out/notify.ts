import { readFileSync } from 'node:fs'
import type { Handler } from 'sluice-gateway'

interface Message {
  readonly title: string
  readonly text: string
  /** Names of users. */
  readonly to: readonly string[]
}

type Device =
  { readonly platform: 'tablet'; readonly id: string } | { readonly platform: 'phone'; readonly token: string }

/** Who has which devices. */
const users = new Map(
  Object.entries(
    JSON.parse(readFileSync(new URL('./users.json', import.meta.url), 'utf8')) as Record<string, readonly Device[]>,
  ),
)

/** One message becomes a notification on each device of each of its users. */
const notify: Handler<Message, void> = (event, context) => {
  const { title, text, to } = event.data
  for (const user of new Set(to)) {
    const devices = users.get(user)
    // The others shall not wait until somebody has mended the list.
    if (devices === undefined) context.logger.warn('there is no such user', { user })
    for (const device of devices ?? []) {
      if (device.platform === 'tablet') {
        const data = { message: event.id, user, title, text }
        context.emit(
          { type: 'com.example.notice', subject: device.id, data },
          { sink: 'tablets', topic: `tablets/${device.id}/notices` },
        )
      } else {
        const data = { to: device.token, notification: { title, body: text }, collapse_key: event.id }
        context.emit({ type: 'com.example.push', subject: device.token, data }, { sink: 'phones' })
      }
    }
  }
}

export default notify
