import { afterEach, expect, it } from 'vitest'
import type { RedriveView } from '../../src/api/views/redrive-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'
import type { Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger
let receiver: HttpReceiver
let status: number

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
  await receiver.stop()
})

it('results that an HTTP sink refused are delivered byte for byte by a redrive, and their handlers run once', async () => {
  status = 400
  receiver = await HttpReceiver.start(() => status)
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { relay: ledgerFunction('relay.mjs', file) },
    sinks: { call: { type: 'http', url: `${receiver.url}/results`, contentMode: 'binary' } },
    triggers: { relay: { stream: 'hooks', function: 'relay', sinks: ['call'] } },
  })))
  await gateway.start()
  const ids = ['e0', 'e1', 'e2', 'e3', 'e4']
  for (const [seq, id] of ids.entries()) {
    const answer = await gateway.post('/hooks', { id, key: `k${seq % 2}`, seq, text: 'ünï ☃' })
    expect(answer.status).toBe(202)
  }
  await gateway.until('dead letters', async () => (await gateway.trigger('relay')).deadLetters === ids.length)
  // What is not committed runs again after a crash, whatever became of it.
  await gateway.until('committed', async () => {
    const { partitions } = await gateway.trigger('relay')
    return partitions.reduce((sum, { committed }) => sum + (committed ?? 0), 0) === ids.length
  })
  const letters = await gateway.deadLetters('relay')
  expect(letters.map(({ stage }) => stage)).toEqual(ids.map(() => 'sink'))
  const refused = [...receiver.requests]

  status = 200
  const path = '/v1/triggers/relay/redrives'
  const { status: answer, body } = await requestJson<RedriveView>(gateway.url, 'POST', path, {
    filter: { stage: 'sink' },
  })
  expect(answer).toBe(202)
  // In the middle the process dies: what was delivered may come twice, and no handler runs for it.
  await receiver.waitFor(requests => requests.length > refused.length)
  await gateway.kill()
  await gateway.restart()
  const ended = await gateway.until('the end', async () => {
    const view = await gateway.get<RedriveView>(`${path}/${body.id}`)
    return view.state === 'done' && view
  })
  expect(ended).toMatchObject({ total: 5, succeeded: 5, failed: 0 })
  expect((await gateway.trigger('relay')).deadLetters).toBe(0)
  await gateway.stop()

  const shown = (requests: typeof refused): Record<string, unknown>[] =>
    requests
      .map(({ headers, body: bytes }) => ({ id: headers['ce-id'], type: headers['content-type'], bytes }))
      .filter((one, index, all) => all.findIndex(({ id }) => id === one.id) === index)
      .toSorted((a, b) => String(a.id).localeCompare(String(b.id)))
  expect(shown(receiver.requests.slice(refused.length))).toEqual(shown(refused))
  expect(shown(refused)).toHaveLength(ids.length)
  await ledger.read()
  expect(ledger.entries.map(({ id }) => id).toSorted()).toEqual(ids)
})
