import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openapiDocument } from '../../src/api/openapi/openapi.ts'
import { registerApi } from '../../src/api/register-api.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { createHttpListener, type HttpListener } from '../../src/sources/http/http-listener.ts'
import { listenerConfig } from '../sources/http/source-fixture.ts'
import { fuzzApi } from './api-fuzz.ts'
import { createViewControl } from './fuzz/view-control.ts'

/** SLUICE_FUZZ_SEED repeats a run, SLUICE_FUZZ_RUNS makes it longer. */
const seed = Number(process.env.SLUICE_FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))
const requestsPerOperation = Number(process.env.SLUICE_FUZZ_RUNS ?? 60)
const document = JSON.parse(JSON.stringify(openapiDocument('1'))) as Record<string, unknown>

/** Names that can be, so that enough requests come through to the gateway. */
const hints = { name: ['price'], alias: ['live'], version: ['3'] }

let listener: HttpListener
let control: ReturnType<typeof createViewControl>

beforeEach(async () => {
  listener = createHttpListener({ config: listenerConfig() })
  control = createViewControl(seed)
  await registerApi(listener.app, control, { follow: { keepAliveMs: 5 } })
  await listener.start()
})
afterEach(() => listener.stop())

const fuzz = (options: { requestsPerOperation?: number; without?: readonly string[] } = {}) =>
  fuzzApi({ baseUrl: listener.url!, document, seed, requestsPerOperation, hints, ...options })

describe('every operation of the document', () => {
  it(
    'answers whatever it is asked as the document says, and never with an internal error',
    { timeout: 120_000 },
    async () => {
      const report = await fuzz()
      const reached = [...report].filter(([, statuses]) => [...statuses.keys()].some(status => status < 300))
      expect(reached.map(([id]) => id).sort()).toEqual([...report.keys()].sort())
    },
  )
})

describe('the run', () => {
  const only = (...ids: string[]) => {
    const paths = Object.values(document.paths as Record<string, Record<string, { operationId: string }>>)
    return paths
      .flatMap(item => Object.values(item).map(({ operationId }) => operationId))
      .filter(id => !ids.includes(id))
  }

  it('finds an answer that has not the documented schema', async () => {
    const { alias } = control
    control.alias = async (...args) => ({ ...(await alias(...args)), weights: 'all' as never })
    await expect(fuzz({ without: only('getAlias') })).rejects.toThrow('/weights must be array')
  })

  it('finds a status that is not documented', async () => {
    control.stats = () => Promise.reject(new SluiceError('SLUICE_SINKS_TIMEOUT', 'too slow'))
    await expect(fuzz({ without: only('getStats') })).rejects.toThrow('504 is not documented')
  })

  it('finds an internal error', async () => {
    control.sources = () => Promise.reject(new TypeError('x is undefined'))
    await expect(fuzz({ without: only('listSources') })).rejects.toThrow('an internal error')
  })
})
