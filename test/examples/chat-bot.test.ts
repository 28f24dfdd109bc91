import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'

const secret = 'a signing secret of the test'

describe('the chat bot example', () => {
  let chat: HttpService
  let gateway: ExampleGateway
  beforeAll(async () => {
    chat = await HttpService.open(() => ({ status: 200, body: { ok: true } }))
    gateway = await startExample('chat-bot', { CHAT_API: `${chat.url}/api/`, CHAT_SIGNING_SECRET: secret })
  })
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
    await chat.close()
  })

  const send = (event_id: string, event: Record<string, unknown>) => {
    const body = JSON.stringify({ type: 'event_callback', event_id, event: { channel: 'C1', ts: event_id, ...event } })
    const time = String(Math.floor(Date.now() / 1000))
    const signature = `v0=${createHmac('sha256', secret).update(`v0:${time}:${body}`).digest('hex')}`
    return gateway.post('/hooks/chat', body, { 'x-slack-signature': signature, 'x-slack-request-timestamp': time })
  }

  it('answers mentions in their thread, each once, and nothing else', async () => {
    expect((await send('1', { type: 'app_mention', text: '<@B> high tide?' })).status).toBe(202)
    expect((await send('1', { type: 'app_mention', text: '<@B> high tide?' })).status).toBe(200)
    expect((await send('2', { type: 'message', text: 'high tide?' })).status).toBe(202)
    expect((await send('3', { type: 'app_mention', text: 'help', bot_id: 'B' })).status).toBe(202)
    expect((await send('4', { type: 'app_mention', text: '<@B> what is love' })).status).toBe(202)
    const requests = await chat.waitFor(2)
    expect(requests.map(({ path, body }) => [path, JSON.parse(body) as unknown])).toEqual([
      ['/api/chat.postMessage', { channel: 'C1', thread_ts: '1', text: 'The tide is high at 06:12 and 18:37.' }],
      ['/api/chat.postMessage', { channel: 'C1', thread_ts: '4', text: 'I do not know. Say help.' }],
    ])
    expect(requests[0]?.headers.authorization).toBe('Bearer a-token-for-trying-things-out')
  })
})
