import type { Handler, HttpBinding } from 'sluice-gateway'
import type { ChatRequest } from './chat-event.ts'
import { answerTo } from './convert.ts'

/** Answers a mention in its thread, through the API of the chat. */
const bot: Handler<ChatRequest, undefined, { chat: HttpBinding }> = async ({ data }, context) => {
  // An answer to what bots say would never end.
  if (data.type !== 'event_callback' || data.event.type !== 'app_mention' || data.event.bot_id !== undefined)
    return undefined
  const { channel, text, ts, thread_ts } = data.event
  const answer = await context.bindings.chat.post(undefined, {
    channel,
    thread_ts: thread_ts ?? ts,
    text: answerTo(text),
  })
  // The chat tells in the body what went wrong, with a status of 200.
  const problem = answer.ok
    ? answer.json<{ ok: boolean; error?: string }>()
    : { ok: false, error: `status ${answer.status}` }
  // Thrown, it is tried again, in the order of the channel.
  if (!problem.ok) throw new Error(`the chat did not take the answer: ${problem.error}`)
  context.logger.info('answered', { channel })
  return undefined
}

export default bot
