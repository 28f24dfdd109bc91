import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerTo } from '../../examples/chat-bot/convert.ts'
import { startNodeScript } from '../support/child-process.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'

const secret = 'a signing secret of the test'

describe('the chat bot example', () => {
  let chat: HttpService
  let gateway: ExampleGateway
  /** What the chat's API answers next; then it takes everything. */
  const troubles: { status: number; body?: unknown }[] = []

  beforeAll(async () => {
    chat = await HttpService.open(() => troubles.shift() ?? { status: 200, body: { ok: true } })
    gateway = await startExample('chat-bot', {
      CHAT_API: `${chat.url}/api`,
      CHAT_TOKEN: 'xoxb-of-the-test',
      CHAT_SIGNING_SECRET: secret,
    })
  })
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
    await chat.close()
  })

  const send = (request: object, path = '/slack/events', key = secret) => {
    const body = JSON.stringify(request)
    const time = String(Math.floor(Date.now() / 1000))
    const signature = `v0=${createHmac('sha256', key).update(`v0:${time}:${body}`).digest('hex')}`
    return gateway.post(path, body, { 'x-slack-signature': signature, 'x-slack-request-timestamp': time })
  }
  const sendEvent = (event_id: string, event: object) =>
    send({ type: 'event_callback', event_id, event: { type: 'app_mention', channel: 'C1', ts: event_id, ...event } })
  const said = () => chat.requests.map(({ body }) => JSON.parse(body) as { thread_ts: string; text: string })

  it('answers mentions in their thread, each once, and nothing else', async () => {
    expect((await sendEvent('1', { text: '<@B> 20 kn in km/h?' })).status).toBe(200)
    expect((await sendEvent('1', { text: '<@B> 20 kn in km/h?' })).status).toBe(200)
    expect((await sendEvent('2', { type: 'message', text: '20 kn in km/h' })).status).toBe(200)
    expect((await sendEvent('3', { text: '<@B> 20 kn in km/h', bot_id: 'B' })).status).toBe(200)
    expect((await sendEvent('4', { text: '<@B> 72 °F in °C', thread_ts: '1' })).status).toBe(200)
    await chat.waitFor(2)
    expect(said()).toEqual([
      { channel: 'C1', thread_ts: '1', text: '20 kn are 37.04 km/h.' },
      { channel: 'C1', thread_ts: '1', text: '72 °F are 22.2222 °C.' },
    ])
    expect(chat.requests[0]).toMatchObject({ method: 'POST', path: '/api/chat.postMessage' })
    expect(chat.requests[0]?.headers.authorization).toBe('Bearer xoxb-of-the-test')
  })

  it('answers in the order of the channel when the chat did not take the first answer at once', async () => {
    const before = chat.requests.length
    troubles.push({ status: 503 }, { status: 200, body: { ok: false, error: 'ratelimited' } })
    await sendEvent('5', { text: '<@B> 1 nmi in m' })
    await sendEvent('6', { text: '<@B> 1 mi in kg' })
    await chat.waitFor(before + 4)
    const texts = said().map(({ text }) => text)
    expect(texts.slice(before)).toEqual([
      ...new Array<string>(3).fill('1 nmi are 1852 m.'),
      'mi is a length, kg is a mass.',
    ])
    expect(await gateway.trigger('chat-bot')).toMatchObject({ retries: 2, deadLetters: 0 })
  })

  it('repeats the challenge to a new address', async () => {
    const { status, body } = await send({ type: 'url_verification', challenge: 'abc' })
    expect([status, JSON.parse(body)]).toEqual([200, { challenge: 'abc' }])
  })

  it('lets nobody past the door who does not know the secret', async () => {
    const event = { type: 'event_callback', event_id: '9', event: { type: 'app_mention', channel: 'C1' } }
    expect((await send(event, '/slack/events', 'a guess')).status).toBe(401)
    expect((await send(event, '/slack/mentions', 'a guess')).status).toBe(401)
  })

  it('comes with a script that signs', async () => {
    const before = chat.requests.length
    const env = { SLUICE_URL: gateway.url, CHAT_SIGNING_SECRET: secret }
    const script = startNodeScript({ script: exampleFile('chat-bot', 'mention.js'), args: ['3 ft in m'], env })
    await script.waitForLine(/^200$/)
    await chat.waitFor(before + 1)
    expect(said().at(-1)?.text).toBe('3 ft are 0.9144 m.')
  })

  it.each([
    ['<@B> what is love?', expect.stringMatching(/^I convert: .*°C, °F, K\.$/)],
    ['-40 °C to °F!', '-40 °C are -40 °F.'],
    ['0 K in °C', '0 K are -273.15 °C.'],
    ['100 constructor in m', expect.stringContaining('I convert')],
  ])('says to %j what is right', (text, expected) => {
    expect(answerTo(text)).toEqual(expected)
  })
})
