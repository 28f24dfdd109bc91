import type { Handler, HttpBinding } from 'sluice-gateway'
import type { ChatRequest } from './chat-event.ts'

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body?: unknown
}

/**
 * Answers the chat at once. A new address is verified by a challenge that wants to be repeated; everything else is handed on as
 * it came, signature included, and answered when it is on disk. Whatever the bot does about it, it does afterwards.
 */
const door: Handler<ChatRequest, Reply, { mentions: HttpBinding }> = async (event, context) => {
  if (event.data.type === 'url_verification') {
    return { status: 200, headers: {}, body: { challenge: event.data.challenge } }
  }
  const { headers = {} } = context.http ?? {}
  const signed = ['content-type', 'x-slack-signature', 'x-slack-request-timestamp']
  const { status } = await context.bindings.mentions.request({
    method: 'POST',
    headers: Object.fromEntries(signed.map(name => [name, headers[name] ?? ''])),
    body: event.bytes,
  })
  // Not taken is not answered: the chat sends it again.
  return { status: status === 200 || status === 202 ? 200 : 503, headers: {} }
}

export default door
