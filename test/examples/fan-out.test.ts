import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the fan-out example', () => {
  let pushes: HttpService
  let gateway: ExampleGateway
  let tablets: MqttInbox
  /** Requests that the push service refuses before it takes one. */
  let refusals = 0

  beforeAll(async () => {
    pushes = await HttpService.open(() => ({ status: refusals-- > 0 ? 503 : 200 }))
    gateway = await startExample('fan-out', { PUSH_URL: `${pushes.url}/push` })
    tablets = await MqttInbox.open(gateway.mqttUrl, '#')
  })
  afterAll(async () => {
    await tablets.close()
    await gateway.stop()
    await gateway.dispose()
    await pushes.close()
  })

  const storm = { title: 'Storm', text: 'Bring in the sails' }
  const tokens = () => pushes.requests.map(({ body }) => (JSON.parse(body) as { to: string }).to)

  it('notifies each device of each user of a message once, each where it is reached', async () => {
    expect((await gateway.post('/messages', { ...storm, to: ['ada', 'emmy', 'grace', 'ada'] })).status).toBe(202)
    await Promise.all([tablets.waitFor(3), pushes.waitFor(3)])
    expect(tablets.values()).toEqual(
      [
        ['bridge-1', 'ada'],
        ['bridge-2', 'grace'],
        ['engine-room', 'grace'],
      ].map(([id, user]) => ({
        topic: `tablets/${id}/notices`,
        value: { ...storm, user, message: expect.any(String) as string },
      })),
    )
    expect(tokens()).toEqual(['apn-ada-7f3c', 'fcm-emmy-01d9', 'fcm-emmy-8e20'])
    expect(JSON.parse(pushes.requests[0]?.body ?? '')).toMatchObject({
      notification: { title: 'Storm', body: 'Bring in the sails' },
    })
  })

  it('sends a push again when the service is away, and tablets get no second notice', async () => {
    const before = { tablets: tablets.messages.length, pushes: pushes.requests.length }
    refusals = 2
    await gateway.post('/messages', { ...storm, to: ['ada', 'grace'] })
    await Promise.all([tablets.waitFor(before.tablets + 3), pushes.waitFor(before.pushes + 3)])
    await gateway.until('done', async () => (await gateway.trigger('notify')).lag === 0)
    expect(tokens().slice(before.pushes)).toEqual(new Array(3).fill('apn-ada-7f3c'))
    expect(tablets.messages).toHaveLength(before.tablets + 3)
  })

  it('tells of a name that is not in the list, and notifies the others', async () => {
    const before = pushes.requests.length
    await gateway.post('/messages', { ...storm, to: ['ahab', 'emmy'] })
    await pushes.waitFor(before + 2)
    expect(tokens().slice(before)).toEqual(['fcm-emmy-01d9', 'fcm-emmy-8e20'])
    expect(await gateway.cli('logs', 'notify', '--level', 'warn')).toMatch(/no such user user=ahab/)
  })
})
