import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api-server.ts'

let server: ApiServer

beforeEach(async () => {
  server = await startApiServer()
})
afterEach(() => server.close())

const path = '/v1/functions/price/aliases/live'
const call: ApiServer['call'] = (...args) => server.call(...args)
const lastCall = () => server.control.calls.at(-1)

describe('an alias', () => {
  it('points to one version, written short', async () => {
    const moved = await call('PUT', path, { version: 3, shadow: { version: 4 } }, { 'if-match': '"4"' })
    expect([moved.status, moved.headers.get('etag')]).toEqual([200, '"5"'])
    const input = { weights: [{ version: 3, weight: 100 }], description: '', shadow: { version: 4, percent: 100 } }
    expect(lastCall()).toEqual(['putAlias', 'price', 'live', input, { revision: 4 }])
  })

  it('is created with weights', async () => {
    const weights = [
      { version: 3, weight: 99.5 },
      { version: 4, weight: 0.5 },
    ]
    const created = await call('PUT', '/v1/functions/price/aliases/canary', { weights }, { 'if-none-match': '*' })
    expect(created.status).toBe(201)
    expect(lastCall()).toEqual(['putAlias', 'price', 'canary', { weights, description: '' }, { absent: true }])
  })

  it.each([
    [{}, 'body must have either weights or version'],
    [{ version: 3, weights: [{ version: 3, weight: 100 }] }, 'body must have either weights or version'],
    [{ version: 0 }, 'version must be an integer from 1 to 999999999, not 0'],
    [{ version: 'latest' }, 'version must be an integer from 1 to 999999999'],
    [{ weights: [] }, 'weights must not be empty'],
    [{ weights: [{ version: 3 }] }, 'weights[0].weight is missing'],
    [{ weights: [{ version: 3, weight: 101 }] }, 'weights[0].weight must be a number from 0 to 100, not 101'],
    [{ version: 3, shadow: { version: 4, percent: 0 } }, 'shadow.percent must be a number from 1 to 100, not 0'],
    [{ version: 3, wieghts: [] }, "body has the unknown field 'wieghts'; did you mean 'weights'?"],
  ])('is not made of %j', async (body, detail) => {
    const answer = await call('PUT', path, body)
    expect([answer.status, answer.body.detail]).toEqual([400, detail])
    expect(server.control.calls).toEqual([])
  })

  it('is deleted', async () => {
    expect((await call('DELETE', path)).body).toEqual({ deleted: 'price@live' })
    expect(lastCall()).toEqual(['deleteAlias', 'price', 'live', { force: false, precondition: {} }])
  })
})

describe('a rollout', () => {
  it('has steps and bounds by default', async () => {
    const answer = await call('POST', `${path}/rollout`, { to: 4 })
    expect([answer.status, answer.headers.get('etag')]).toEqual([202, '"5"'])
    const rollout = { to: 4, steps: [10, 50, 100], stepMs: 60_000, bounds: { minInvocations: 20 } }
    expect(lastCall()).toEqual(['startRollout', 'price', 'live', rollout, {}])
  })

  it.each([[[10, 50]], [[50, 10, 100]], [[10, 10, 100]]])('does not take the steps %j', async steps => {
    const answer = await call('POST', `${path}/rollout`, { to: 4, steps })
    expect([answer.status, answer.body.detail]).toEqual([400, 'steps must ascend, and the last one must be 100'])
  })

  it('goes back when it is aborted, unless told otherwise', async () => {
    await call('DELETE', `${path}/rollout`)
    expect(lastCall()).toEqual(['abortRollout', 'price', 'live', { restore: true, precondition: {} }])
    await call('DELETE', `${path}/rollout?restore=false`)
    expect(lastCall()).toEqual(['abortRollout', 'price', 'live', { restore: false, precondition: {} }])
  })
})
