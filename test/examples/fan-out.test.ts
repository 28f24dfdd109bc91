import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'
import { MqttInbox } from './mqtt-inbox.ts'

describe('the fan-out example', () => {
  let pushes: HttpService
  let gateway: ExampleGateway
  let inbox: MqttInbox
  beforeAll(async () => {
    pushes = await HttpService.open(() => ({ status: 200 }))
    gateway = await startExample('fan-out', { PUSH_URL: `${pushes.url}/push` })
    inbox = await MqttInbox.open(gateway.mqttUrl, 'devices/+/notices')
  })
  afterAll(async () => {
    await inbox.close()
    await gateway.stop()
    await gateway.dispose()
    await pushes.close()
  })

  it('notifies every device and every phone of a message once', async () => {
    const message = { title: 'Storm', text: 'Bring in the sails', devices: ['boat-1', 'boat-2'], phones: ['p-1', 'p-2', 'p-3'] } // prettier-ignore
    expect((await gateway.post('/messages', message)).status).toBe(202)
    await inbox.waitFor(2)
    expect(inbox.messages.map(({ topic }) => topic).sort()).toEqual([
      'devices/boat-1/notices',
      'devices/boat-2/notices',
    ])
    const requests = await pushes.waitFor(3)
    expect(requests.map(({ body }) => JSON.parse(body) as unknown)).toEqual(
      ['p-1', 'p-2', 'p-3'].map(to => ({ to, notification: { title: 'Storm', body: 'Bring in the sails' } })),
    )
  })
})
