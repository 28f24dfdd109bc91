import type { Handler, HttpBinding } from 'sluice-gateway'

/** An event of Slack's Events API; other chats differ in names only. */
interface ChatEvent {
  readonly type: string
  readonly event?: {
    readonly type: string
    readonly channel: string
    readonly text: string
    readonly ts: string
    readonly bot_id?: string
  }
}

interface ChatAnswer {
  readonly ok: boolean
  readonly error?: string
}

const tide = [
  [0, 'The tide is high at 06:12 and 18:37.'],
  [1, 'The tide is low at 00:05 and 12:24.'],
] as const

/** What the bot understands, first match wins. */
const skills: readonly (readonly [pattern: RegExp, answer: (match: RegExpMatchArray) => string])[] = [
  [/\b(?:high|low) tide\b/i, ([words]) => tide[/low/i.test(words) ? 1 : 0][1]],
  [/\broll (\d{1,2})\b/i, ([, sides]) => `A die with ${sides} sides has ${sides} sides.`],
  [/\bhelp\b/i, () => 'Ask me for high tide, low tide, or to roll 6.'],
]

/** Answers a mention in its thread. Whatever is not meant for the bot is nothing to do. */
const answer: Handler<ChatEvent, undefined, { chat: HttpBinding }> = async ({ data, id }, context) => {
  const message = data.event
  // An answer to its own answers would never end.
  if (data.type !== 'event_callback' || message?.type !== 'app_mention' || message.bot_id !== undefined)
    return undefined
  const text = replyTo(message.text)
  const response = await context.bindings.chat.request({
    method: 'POST',
    path: 'chat.postMessage',
    // The chat drops what it has seen: a repeat after a crash is not said twice.
    headers: { 'x-client-message-id': id },
    body: { channel: message.channel, thread_ts: message.ts, text },
  })
  const { ok, error } = response.json<ChatAnswer>()
  if (!ok) throw new Error(`the chat did not take the answer: ${error ?? response.status}`)
  context.logger.info('answered', { channel: message.channel })
  return undefined
}
export default answer

function replyTo(text: string): string {
  for (const [pattern, reply] of skills) {
    const match = pattern.exec(text)
    if (match !== null) return reply(match)
  }
  return 'I do not know. Say help.'
}
