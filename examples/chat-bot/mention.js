// Sends a mention of the bot to the gateway, signed as Slack signs: node mention.js <text>
import { createHmac, randomBytes } from 'crypto'

const secret = process.env.CHAT_SIGNING_SECRET || 'a-secret-for-trying-things-out'
const url = process.env.SLUICE_URL || 'http://127.0.0.1:8080'

const seconds = String(Math.floor(Date.now() / 1000))
const text = '<@U0BOT> ' + (process.argv[2] || 'help')
const body = JSON.stringify({
  type: 'event_callback',
  event_id: 'Ev' + randomBytes(5).toString('hex'),
  event: { type: 'app_mention', channel: 'C0HARBOUR', user: 'U0ADA', text, ts: seconds + '.000100' },
})
const signature = createHmac('sha256', secret).update(`v0:${seconds}:${body}`).digest('hex')
const response = await fetch(url + '/slack/events', {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    'x-slack-request-timestamp': seconds,
    'x-slack-signature': 'v0=' + signature,
  },
  body,
})
console.log(response.status)
