import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Client } from 'undici'
import { afterEach, expect, it } from 'vitest'
import type { RedriveView } from '../../src/api/views/redrive-view.ts'
import { prepareGateway, type GatewayProcess } from './gateway-process.ts'
import { requestJson } from './request-json.ts'

let gateway: GatewayProcess
afterEach(() => gateway.dispose())

const taken = 10_000
const left = 100
const redrives = '/v1/triggers/eat/redrives'
/** What is in memory of a redrive (gateway/duties/redrives.ts): a crash may repeat so many. */
const window = 256

/** No JSON that anybody would write again in the same way, and some bytes that are no text. */
const bodyOf = (index: number): Buffer =>
  Buffer.concat([
    Buffer.from(`{ "seq":${index},\t"isOdd" : ${index >= taken}, "text":"ünï ☃ ${'\\u0041'.repeat(index % 7)}" }\r\n `),
    Buffer.from([0xff, 0xfe, 0x00, index % 256]),
  ])
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const idOf = (index: number): string => `e${index}`

async function done(method: string, path: string, body: unknown): Promise<void> {
  const answer = await requestJson(gateway.url, method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
}

/** Publishes a version that writes down what it is given: id, attempt, SHA-256 of its bytes; or that fails. */
async function publish(file: string, fails: boolean): Promise<void> {
  const module = `import { createHash } from 'node:crypto'
    import { openSync, writeSync } from 'node:fs'
    let ledger
    export const init = ({ env }) => { ledger = openSync(env.LEDGER, 'a') }
    export default (event, { attempt }) => {
      if (${fails}) throw new Error(/"isOdd" : true/.test(event.bytes) ? 'quite odd' : 'this version is bad')
      const hash = createHash('sha256').update(event.bytes).digest('hex')
      writeSync(ledger, event.id + ' ' + attempt + ' ' + hash + '\\n')
    }`
  const definition = { environment: { LEDGER: file }, retry: { maxAttempts: 1 } }
  await done('PUT', '/v1/functions/eat', { definition, code: { module }, publish: {} })
}

async function send(connection: number, connections: number): Promise<void> {
  const client = new Client(gateway.url, { pipelining: 16 })
  const sending: Promise<void>[] = []
  for (let index = connection; index < taken + left; index += connections) {
    const headers = {
      'content-type': 'application/octet-stream',
      ...{ 'ce-specversion': '1.0', 'ce-id': idOf(index), 'ce-source': '/test', 'ce-type': 'test' },
      'ce-partitionkey': `k${index % 500}`,
    }
    sending.push(
      client
        .request({ method: 'POST', path: '/raw', headers, body: bodyOf(index) })
        .then(async ({ statusCode, body }) => {
          await body.dump()
          expect(statusCode).toBe(202)
        }),
    )
  }
  await Promise.all(sending)
  await client.close()
}

it('a redrive of 10,000 letters goes on after a SIGKILL, and each is given once more, byte for byte', async () => {
  gateway = await prepareGateway({ config: {} })
  await gateway.configure({ sources: { raw: { type: 'http', path: '/raw' } } })
  await gateway.start()
  const file = gateway.path('ledger')
  await publish(file, true)
  await publish(file, false)
  await done('PUT', '/v1/triggers/eat', { stream: 'raw', function: 'eat@1' })
  await Promise.all(Array.from({ length: 4 }, (_, connection) => send(connection, 4)))
  await gateway.until('dead letters', async () => (await gateway.trigger('eat')).deadLetters === taken + left)
  // What is not committed when the process dies runs again whatever became of it, and is not of this test.
  await gateway.until('committed', async () => (await gateway.trigger('eat')).lag === 0)

  const filter = { version: '1', text: 'IS BAD' }
  const { body: job } = await requestJson<RedriveView>(gateway.url, 'POST', redrives, { filter, version: '2' })
  const view = () => gateway.get<RedriveView>(`${redrives}/${job.id}`)
  await gateway.until('the middle', async () => (await view()).succeeded > taken / 2, 120_000)
  await gateway.kill()
  await gateway.restart()
  expect((await view()).succeeded).toBeLessThan(taken)
  const ended = await gateway.until('the end', async () => {
    const now = await view()
    return now.state === 'done' && now
  })
  expect(ended).toMatchObject({ total: taken, redriven: taken, succeeded: taken, failed: 0, inFlight: 0 })
  expect((await gateway.trigger('eat')).deadLetters).toBe(left)
  await gateway.stop()

  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const expected = Array.from({ length: taken }, (_, index) => `${idOf(index)} 1 ${hashOf(bodyOf(index))}`)
  expect([...new Set(lines)].toSorted()).toEqual(expected.toSorted())
  expect(lines.length - taken).toBeLessThanOrEqual(window)
}, 120_000)
