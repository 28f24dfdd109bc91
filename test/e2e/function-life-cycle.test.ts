import { readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AliasView } from '../../src/api/views/alias-view.ts'
import type { FunctionView } from '../../src/api/views/function-view.ts'
import type { LoggedInvocation } from '../../src/api/views/invocation-view.ts'
import type { LogPage } from '../../src/api/views/log-view.ts'
import type { StatsView } from '../../src/api/views/stats-view.ts'
import type { TriggerView } from '../../src/api/views/trigger-view.ts'
import type { VersionView } from '../../src/api/views/version-view.ts'
import { functionFile, type GatewayProcess } from './gateway-process.ts'
import { audit, clean, SentLedger, type Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger
/** Source text of a function that appends a line for each event; `mark` makes another version of it. */
const recorder = async (mark: string): Promise<string> =>
  `${await readFile(functionFile('record.mjs'), 'utf8')}\n// ${mark}\n`

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(() => ({})))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

const call = <View>(method: string, path: string, body?: unknown, headers?: Record<string, string>) =>
  requestJson<View>(gateway.url, method, path, body, headers)

async function deploy(name: string, module: string, definition: object = {}): Promise<FunctionView> {
  const { status, body } = await call<FunctionView>('PUT', `/v1/functions/${name}`, {
    definition: { environment: { LEDGER: ledger.file }, ...definition },
    code: { module },
  })
  expect(status, JSON.stringify(body)).toBeLessThan(300)
  return body
}

async function done<View>(method: string, path: string, body?: unknown): Promise<View> {
  const answer = await call<View>(method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}

describe('a function that comes by the API', () => {
  it('is created, fed, updated, published, moved by an alias and restarted under load, without a lost, repeated or disordered event', async () => {
    await deploy('record', await recorder('one'))
    await done<VersionView>('POST', '/v1/functions/record/versions', { description: 'first' })
    await done<AliasView>('PUT', '/v1/functions/record/aliases/live', { weights: [{ version: 1, weight: 100 }] })
    const trigger = await done<TriggerView>('PUT', '/v1/triggers/records', { stream: 'hooks', function: 'record@live' })
    expect(trigger).toMatchObject({ state: 'running', resolvesTo: [{ version: '1', weight: 100 }] })

    const sent = new SentLedger()
    const stopSending = new AbortController()
    const { signal } = stopSending
    const run = { url: gateway.url, path: '/hooks', connections: 8, keys: 60, events: Infinity, signal }
    const sending = sendWebhooks({ ...run, ledger: sent })
    await ledger.waitFor(300)
    for (const [index, weights] of [
      [
        { version: 1, weight: 50 },
        { version: 2, weight: 50 },
      ],
      [{ version: 2, weight: 100 }],
      [
        { version: 1, weight: 10 },
        { version: 2, weight: 90 },
      ],
    ].entries()) {
      if (index === 0) {
        await deploy('record', await recorder('two'))
        expect(await done<VersionView>('POST', '/v1/functions/record/versions', {})).toMatchObject({ version: 2 })
      }
      const alias = await done<AliasView>('PUT', '/v1/functions/record/aliases/live', { weights })
      expect(alias.weights).toEqual(weights)
      await ledger.waitFor(ledger.counts.size + 400)
    }
    // A restart by SIGTERM in between: the registry answers what it answered, and goes on.
    const before = (await call<FunctionView>('GET', '/v1/functions/record')).body
    stopSending.abort()
    await sending
    await gateway.stop()
    await gateway.restart()
    const after = (await call<FunctionView>('GET', '/v1/functions/record')).body
    expect({ ...after, running: [] }).toEqual({ ...before, running: [] })
    await ledger.waitFor(sent.acknowledged.size)
    expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
  })

  it('answers synchronously with its logs, and keeps them searchable with what happened to it', async () => {
    const module = `export default (event, context) => {
      console.log('console', event.data.n); context.logger.warn('structured', { n: event.data.n })
      return { doubled: event.data.n * 2, version: context.version }
    }`
    await deploy('double', module)
    const answer = await done<LoggedInvocation>('POST', '/v1/functions/double/invocations?logs=true', { n: 21 })
    expect(JSON.parse(answer.body ?? '')).toEqual({ doubled: 42, version: 'latest' })
    expect(answer.logs.map(({ level, message, fields }) => ({ level, message, fields }))).toEqual([
      { level: 'info', message: 'console 21', fields: undefined },
      { level: 'warn', message: 'structured', fields: { n: 21 } },
    ])
    const id = answer.logs[0]?.invocationId ?? ''
    const found = await gateway.until('kept logs', async () => {
      const page = (await call<LogPage>('GET', `/v1/functions/double/logs?invocation=${encodeURIComponent(id)}`)).body
      return page.items.length === 2 && page.items
    })
    expect(found.map(({ message }) => message)).toEqual(['structured', 'console 21'])
    const all = (await call<LogPage>('GET', '/v1/functions/double/logs?text=created')).body
    expect(all.items[0]).toMatchObject({ kind: 'lifecycle' })
    const stats = (await call<StatsView>('GET', '/v1/functions/double/stats')).body
    expect(stats.totals).toMatchObject([
      { version: 'latest', invocations: 1, succeeded: 1, failures: 0, coldStarts: 1 },
    ])
  })

  it('runs asynchronously once it is durable, also when the gateway is killed right after the answer', async () => {
    await deploy('record', await recorder('async'))
    await done('POST', '/v1/functions/record/disable')
    const event = { id: 'e-1', key: 'k', seq: 0 }
    const accepted = await call('POST', '/v1/functions/record/invocations?mode=async', event)
    expect(accepted).toMatchObject({ status: 202, body: { stream: 'invocations-record' } })
    await gateway.kill()
    await gateway.restart()
    await done('POST', '/v1/functions/record/enable')
    await ledger.waitFor(1)
    expect(ledger.entries).toMatchObject([{ id: 'e-1', attempt: 1 }])
  })

  it('stops being fed when it is disabled, and goes on in order when it is enabled', async () => {
    await deploy('record', await recorder('one'))
    await done('PUT', '/v1/triggers/records', { stream: 'hooks', function: 'record' })
    const sent = new SentLedger()
    const send = (events: number) =>
      sendWebhooks({ url: gateway.url, path: '/hooks', connections: 4, keys: 8, events, ledger: sent })
    await send(100)
    await ledger.waitFor(100)
    expect(await done<FunctionView>('POST', '/v1/functions/record/disable')).toMatchObject({ enabled: false })
    expect((await call('POST', '/v1/functions/record/invocations', {})).status).toBe(409)
    // The first hundred are known by their ids; fifty more arrive and wait.
    await send(150)
    expect(await gateway.trigger('records')).toMatchObject({ state: 'disabled' })
    expect((await ledger.read()).length).toBe(100)
    await done('POST', '/v1/functions/record/enable')
    await ledger.waitFor(150)
    expect(audit(ledger, sent)).toEqual({ ...clean, duplicates: 0 })
  })
})
