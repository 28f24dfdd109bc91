import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'
import { MqttInbox } from './mqtt-inbox.ts'

const secret = 'a secret of the test'

describe('the CI job example', () => {
  let github: HttpService
  let gateway: ExampleGateway
  let verdicts: MqttInbox
  let isAway = true

  beforeAll(async () => {
    // The first request is refused: the job is tried again.
    github = await HttpService.open(() => (isAway ? ((isAway = false), { status: 503 }) : { status: 201 }))
    const env = { GITHUB_API: github.url, GITHUB_TOKEN: 'token-of-the-test', WEBHOOK_SECRET: secret }
    gateway = await startExample('ci-job', env)
    verdicts = await MqttInbox.open(gateway.mqttUrl, 'ci/#')
  })
  afterAll(async () => {
    await verdicts.close()
    await gateway.stop()
    await gateway.dispose()
    await github.close()
  })

  const push = (after: string, message: string, added: string[] = []) => {
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      after,
      repository: { full_name: 'acme/boats', name: 'boats', owner: { login: 'acme' } },
      commits: [{ id: after, message, added, modified: [] }],
    })
    const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
    return gateway.post('/hooks/github', body, {
      'x-hub-signature-256': signature,
      'x-github-delivery': after,
      'x-github-event': 'push',
    })
  }

  it('checks the commits of a push and sets their status, with the token of the gateway', async () => {
    expect((await push('a1b2c3d4e5', 'Trim the sails\n\nBy hand.')).status).toBe(202)
    expect((await push('ffeeddccbb', 'wip', ['keys/id_rsa'])).status).toBe(202)
    const requests = await github.waitFor(3)
    expect(requests.map(({ path }) => path)).toEqual([
      '/repos/acme/boats/statuses/a1b2c3d4e5',
      '/repos/acme/boats/statuses/a1b2c3d4e5',
      '/repos/acme/boats/statuses/ffeeddccbb',
    ])
    expect(requests[0]?.headers.authorization).toBe('Bearer token-of-the-test')
    expect(requests.slice(1).map(({ body }) => (JSON.parse(body) as { state: string }).state)).toEqual([
      'success',
      'failure',
    ])
    const messages = await verdicts.waitFor(2)
    expect(messages.map(({ topic }) => topic)).toEqual(['ci/a1b2c3d4e5', 'ci/ffeeddccbb'])
    expect(messages[1]?.payload.toString()).toContain('what looks like a secret: keys/id_rsa')
  })

  it('takes nothing that is not signed', async () => {
    expect((await gateway.post('/hooks/github', {})).status).toBe(401)
  })
})
