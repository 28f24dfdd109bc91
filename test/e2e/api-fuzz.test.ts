import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fuzzApi } from '../api/api-fuzz.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { requestJson } from './request-json.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'

/** SLUICE_FUZZ_SEED repeats a run, SLUICE_FUZZ_RUNS makes it longer. */
const seed = Number(process.env['SLUICE_FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const requestsPerOperation = Number(process.env['SLUICE_FUZZ_RUNS'] ?? 60)

let gateway: GatewayProcess

beforeEach(async () => {
  ;({ gateway } = await prepareWebhookGateway(() => ({})))
  await gateway.start()
})

afterEach(() => gateway.dispose())

describe('the API of a running gateway', () => {
  it(
    'answers every operation as its document says, whatever it is asked, and goes on serving',
    { timeout: 180_000 },
    async () => {
      const module = 'export default event => ({ got: event.data })'
      const put = { definition: {}, code: { module }, publish: {} }
      const call = (method: string, path: string, body?: unknown) => requestJson(gateway.url, method, path, body)
      await call('PUT', '/v1/functions/price', put)
      await call('PUT', '/v1/functions/price/aliases/live', { weights: [{ version: 1, weight: 100 }] })
      await call('PUT', '/v1/triggers/orders', { stream: 'hooks', function: 'price@live' })
      const { body: document } = await requestJson<Record<string, unknown>>(gateway.url, 'GET', '/v1/openapi.json')
      await fuzzApi({
        baseUrl: gateway.url,
        document,
        seed,
        requestsPerOperation,
        hints: {
          name: ['price'],
          'getTrigger.name': ['orders'],
          'putTrigger.name': ['orders', 'more'],
          'pauseTrigger.name': ['orders'],
          'resumeTrigger.name': ['orders'],
          alias: ['live'],
          version: ['1'],
          stream: ['hooks'],
          function: ['price', 'price@live'],
        },
      })
      // Whatever the run has left of it, it can be put again and invoked.
      expect((await call('PUT', '/v1/functions/price', put)).status).toBeLessThan(300)
      await call('POST', '/v1/functions/price/enable')
      expect(await call('POST', '/v1/functions/price/invocations', { a: 1 })).toMatchObject({
        status: 200,
        body: { got: { a: 1 } },
      })
      expect(gateway.process.lines.filter(line => line.includes('an error that nobody handled'))).toEqual([])
    },
  )
})
