import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import type { TriggerView } from '../../src/api/views/trigger-view.ts'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { functionFile, type GatewayProcess } from './gateway-process.ts'
import { Ledger } from './ledger.ts'
import { MetricsPage } from './metrics-page.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let first: Ledger
let second: Ledger

afterEach(async () => {
  await first.close()
  await second.close()
  await gateway.dispose()
})

const awayMs = 3 * 3_600_000
const hook = (index: number) => ({ id: `k${index}-0`, key: `k${index}`, seq: 0 })

const chain = (file: string) => ({
  streams: { hooks: { partitions: 1 }, between: { partitions: 4 } },
  functions: {
    first: ledgerFunction('relay-or-wait.mjs', file),
    second: ledgerFunction('record.mjs', `${file}-second`),
  },
  sinks: { between: { type: 'stream', stream: 'between' } },
  triggers: {
    first: { stream: 'hooks', function: 'first', sinks: ['between'] },
    second: { stream: 'between', function: 'second' },
  },
})

/**
 * The first event takes for ever, so that nothing behind it in its partition can be committed: their results are in the
 * next stream when the process is killed, and their offsets are not.
 */
async function start(): Promise<void> {
  const prepared = await prepareWebhookGateway(chain, {}, [
    '--import',
    pathToFileURL(functionFile('shifted-clock.mjs')).href,
  ])
  gateway = prepared.gateway
  first = prepared.ledger
  second = new Ledger(`${first.file}-second`)
  await gateway.start()
}

it('a chain of functions that is killed between a result and its commit gives each result to the next function once, also after being away for longer than the window', async () => {
  await start()
  const events = 40
  expect((await gateway.post('/hooks', { ...hook(0), wait: true })).status).toBe(202)
  for (let index = 1; index <= events; index++) expect((await gateway.post('/hooks', hook(index))).status).toBe(202)
  await allPassedOn(events)

  await gateway.kill()
  await writeFile(gateway.path('clock-shift'), String(awayMs))
  await gateway.restart()
  // One that is new, beside all that are repeated.
  expect((await gateway.post('/hooks', hook(events + 1))).status).toBe(202)
  await allPassedOn(events + 1)
  await gateway.kill()
  expect(await first.read()).toHaveLength(events + (events + 1))
  // Each result is once in the stream between them.
  const log = await openEmbeddedLog({
    directory: gateway.path('data/streams/between'),
    stream: 'between',
    partitionCount: 4,
  })
  const ends = await log.ends()
  await log.close()
  expect(ends.reduce((sum, { end }) => sum + end, 0)).toBe(events + 1)
  expect(new Set((await second.read()).map(({ id }) => id)).size).toBe(events + 1)
}, 120_000)

/** Resolves when this process has run the first function for all but the one that waits, and their results are kept. */
async function allPassedOn(events: number): Promise<void> {
  await gateway.until('all passed on', async () => {
    const results = (await MetricsPage.of(gateway)).value('sluice_results_published_total', { trigger: 'first' })
    const { partitions, lag } = await gateway.get<TriggerView>('/v1/triggers/second')
    const kept = partitions.reduce((sum, { end }) => sum + (end ?? 0), 0)
    return results === events && kept >= events && lag === 0
  })
  expect((await gateway.trigger('first')).lag).toBe(events + 1)
}
