import { connect, type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SourceView } from '../../src/api/views/gateway-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger
const clients: MqttClient[] = []

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    sources: {
      devices: { type: 'mqtt', topics: ['devices/+'], mapping: { partitionkey: { topicLevel: 1 } } },
      minutely: { type: 'schedule', cron: '* * * * *' },
    },
    functions: { record: ledgerFunction('record.mjs', file) },
    triggers: {
      hooks: { stream: 'hooks', function: 'record' },
      devices: { stream: 'devices', function: 'record' },
    },
  })))
  await gateway.start()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true)
  await ledger.close()
  await gateway.dispose()
})

const sourceNamed = async (name: string): Promise<SourceView | undefined> =>
  (await gateway.get<{ items: SourceView[] }>('/v1/sources')).items.find(source => source.name === name)

function device(): MqttClient {
  const client = connect(gateway.mqttUrl, { protocolVersion: 4, clientId: 'd1', clean: false, reconnectPeriod: 50 })
  clients.push(client)
  return client
}

const told = (client: MqttClient, what: 'connect' | 'close'): Promise<void> =>
  new Promise(resolve => client.once(what, () => resolve()))

const event = (id: string): string => JSON.stringify({ id, key: 'k', seq: 0 })

describe('a paused source', () => {
  it('answers HTTP senders with 503 and Retry-After, across a restart, and takes their events when it is resumed', async () => {
    expect(await gateway.cli('pause', 'source', 'hooks', '--reason', 'flood', '--for', '1h')).toBe(
      'source hooks is paused',
    )
    const refused = await gateway.post('/hooks', event('a'))
    expect(refused.status).toBe(503)
    expect(refused.body).toContain('SLUICE_HTTP_SOURCE_PAUSED')
    // Why is for those who ask the API.
    expect(refused.body).not.toContain('flood')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(3_000)
    await gateway.kill()
    await gateway.restart()
    expect((await gateway.post('/hooks', event('a'))).status).toBe(503)
    expect((await gateway.readiness()).status).toBe(200)
    expect(await sourceNamed('hooks')).toMatchObject({ state: 'paused', refused: { paused: 1 } })
    expect(await gateway.cli('resume', 'source', 'hooks')).toBe('source hooks is resumed')
    expect((await gateway.post('/hooks', event('a'))).status).toBe(202)
    await ledger.waitFor(1)
  })

  it('ends the connection of an MQTT client that publishes, so that it does not hang, and takes it when it is resumed', async () => {
    const client = device()
    await told(client, 'connect')
    await client.publishAsync('devices/d1', event('before'), { qos: 1 })
    await gateway.cli('pause', 'source', 'devices', '--reason', 'flood')
    const closed = told(client, 'close')
    let isAcknowledged = false
    const published = client.publishAsync('devices/d1', event('during'), { qos: 1 }).then(() => (isAcknowledged = true))
    await closed
    // The client tries again by itself, and is refused again.
    await told(client, 'close')
    expect(isAcknowledged).toBe(false)
    expect((await ledger.read()).some(({ id }) => id === 'during')).toBe(false)
    expect((await sourceNamed('devices'))?.refused['paused']).toBeGreaterThan(1)
    await gateway.cli('resume', 'source', 'devices')
    await published
    await ledger.waitFor(2)
  })

  it('makes no ticks when it is a schedule, and goes on when its pause is over', async () => {
    const { body } = await gateway.post('/v1/pauses', {
      target: { kind: 'source', source: 'minutely' },
      reason: 'quiet',
      expiresAfterMs: 1_000,
    })
    expect(JSON.parse(body)).toMatchObject({ items: [{ kind: 'source', source: 'minutely', state: 'paused' }] })
    await gateway.until('running again', async () => (await sourceNamed('minutely'))?.state === 'running')
  })
})
