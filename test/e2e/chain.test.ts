import { afterEach, describe, expect, it } from 'vitest'
import type { DeadLetter, GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'
import { audit, clean, Ledger, SentLedger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let first: Ledger
let second: Ledger
let receiver: HttpReceiver

/** Webhook → first function → stream → second function → HTTP sink. */
async function start(statusOf?: (body: string, before: number) => number): Promise<void> {
  receiver = await HttpReceiver.start(statusOf)
  const prepared = await prepareWebhookGateway(file => ({
    streams: { between: { partitions: 4 } },
    functions: {
      first: ledgerFunction('relay.mjs', file),
      second: ledgerFunction('relay.mjs', `${file}-second`),
    },
    sinks: {
      between: { type: 'stream', stream: 'between' },
      call: { type: 'http', url: `${receiver.url}/results`, contentMode: 'plain' },
    },
    triggers: {
      first: { stream: 'hooks', function: 'first', sinks: ['between'] },
      second: { stream: 'between', function: 'second', sinks: ['call'] },
    },
  }))
  gateway = prepared.gateway
  first = prepared.ledger
  second = new Ledger(`${first.file}-second`)
  await gateway.start()
}

afterEach(async () => {
  await first.close()
  await second.close()
  await gateway.dispose()
  await receiver.stop()
})

const hook = (index: number) => ({ id: `k-${index}`, key: 'k', seq: index })

describe('a webhook whose result is the input of a second function, whose result goes to an HTTP sink', () => {
  it('arrives there once, for each of 1,000, in the order of the keys', async () => {
    await start()
    const sent = new SentLedger()
    const run = { url: gateway.url, path: '/hooks', connections: 8, keys: 40, events: 1_000 }
    await sendWebhooks({ ...run, ledger: sent })
    await receiver.waitFor(requests => requests.length >= 1_000)
    await gateway.stop()
    await first.read()

    expect(audit(first, sent)).toEqual({ ...clean, duplicates: 0 })
    const received = receiver.requests.map(({ body }) => JSON.parse(body) as { id: string; key: string; seq: number })
    expect(new Set(received.map(({ id }) => id))).toEqual(sent.acknowledged)
    expect(received).toHaveLength(1_000)
    const newest = new Map<string, number>()
    for (const { key, seq } of received) {
      expect(seq).toBe((newest.get(key) ?? -1) + 1)
      newest.set(key, seq)
    }
  })

  it('is sent again when the sink answers 503 twice, and no handler runs again', async () => {
    await start((_body, before) => (before < 2 ? 503 : 200))
    for (let index = 0; index < 3; index++) expect((await gateway.post('/hooks', hook(index))).status).toBe(202)
    await receiver.waitFor(requests => requests.filter(({ status }) => status === 200).length === 3)
    await gateway.stop()

    const bodies = receiver.requests.map(({ body, status }) => `${(JSON.parse(body) as { id: string }).id} ${status}`)
    // The key waits for its results: what is refused holds back what comes after.
    expect(bodies.filter(line => line.endsWith('200'))).toEqual(['k-0 200', 'k-1 200', 'k-2 200'])
    expect(bodies.filter(line => line.endsWith('503'))).toHaveLength(6)
    for (const ledger of [first, second]) {
      const runs = (await ledger.read()).map(({ id, attempt }) => `${id} ${attempt}`)
      expect(runs).toEqual(['k-0 1', 'k-1 1', 'k-2 1'])
    }
  })

  it('becomes a dead letter of stage sink, with its result, when the sink refuses it for good', async () => {
    await start(body => (body.includes('"k-1"') ? 400 : 200))
    for (let index = 0; index < 3; index++) expect((await gateway.post('/hooks', hook(index))).status).toBe(202)
    await receiver.waitFor(requests => requests.filter(({ status }) => status === 200).length === 2)
    await gateway.until('a dead letter', async () => (await gateway.trigger('second')).deadLetters === 1)

    const table = await gateway.cli('dead-letters', 'second')
    expect(table).toMatch(/^\d+ .*between\/\d+\/\d+ +k +sink +1 .*call.*400/m)
    const { items } = JSON.parse(await gateway.cli('dead-letters', 'second', '--json')) as { items: DeadLetter[] }
    expect(items).toHaveLength(1)
    expect(items[0]).toMatchObject({ stage: 'sink', key: 'k', failures: [{ stage: 'sink', attempt: 1 }] })
    expect(JSON.parse(Buffer.from(items[0]?.dataBase64 ?? '', 'base64').toString())).toEqual(hook(1))
    await gateway.stop()
    expect(receiver.requests.filter(({ body }) => body.includes('"k-1"'))).toHaveLength(1)
  })
})
