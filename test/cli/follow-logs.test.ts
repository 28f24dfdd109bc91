import { describe, expect, it } from 'vitest'
import type { ApiClient, ApiQuery } from '../../src/cli/api-client.ts'
import { followLogs } from '../../src/cli/follow-logs.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { logLineOf } from '../api/sample-views.ts'

type Step = number | 'breaks' | 'too slow' | 'deleted'

/** A gateway that answers each request with a script. */
function scripted(...answers: readonly (readonly Step[])[]) {
  const queries: ApiQuery[] = []
  const client = {
    async *lines(_path: string, query: ApiQuery, _signal: AbortSignal, onOpen?: () => void) {
      const steps = answers[queries.length] ?? []
      queries.push(query)
      if (steps[0] === 'deleted') throw new SluiceError('SLUICE_CLI_REFUSED', 'no such function')
      if (steps[0] !== 'breaks') onOpen?.()
      for (const step of steps) {
        if (step === 'breaks') throw new SluiceError('SLUICE_CLI_UNREACHABLE', 'reset')
        if (step === 'too slow') yield { code: 'SLUICE_API_SLOW_READER', detail: 'too slow' }
        else if (typeof step === 'number') yield logLineOf(step)
      }
    },
  } as unknown as ApiClient
  return { client, queries }
}

async function follow(client: ApiClient, until: number, query: ApiQuery = { limit: 10 }) {
  const stop = new AbortController()
  const seen: (number | null)[] = []
  const told: string[] = []
  await followLogs(client, 'price', query, {
    signal: stop.signal,
    retryMs: 1,
    onLine: ({ id }) => {
      seen.push(id)
      if (id === until) stop.abort()
    },
    onLost: reason => told.push(reason),
    onBack: () => told.push('back'),
  })
  return { seen, told }
}

describe('followLogs', () => {
  it('goes on behind the last line, whatever breaks', async () => {
    const { client, queries } = scripted([1, 2, 'breaks'], ['breaks'], [2, 3, 'too slow'], [3, 4])
    expect(await follow(client, 4)).toEqual({ seen: [1, 2, 3, 4], told: ['reset', 'back', 'too slow', 'back'] })
    expect(queries).toEqual([
      { limit: 10, follow: true },
      { limit: 1000, follow: true, after: 2 },
      { limit: 1000, follow: true, after: 2 },
      { limit: 1000, follow: true, after: 3 },
    ])
  })

  it('misses nothing when it breaks before the first line', async () => {
    const { client, queries } = scripted([0], [], [5])
    expect((await follow(client, 5, { limit: 10, after: 4 })).seen).toEqual([5])
    expect(queries[1]).toMatchObject({ after: 4 })
    const silent = scripted([], [1])
    expect((await follow(silent.client, 1)).seen).toEqual([1])
    expect(silent.queries[1]).toMatchObject({ after: 0 })
  })

  it('fails when it cannot begin, and when it is refused for good', async () => {
    await expect(follow(scripted(['breaks']).client, 1)).rejects.toThrow('reset')
    await expect(follow(scripted([1, 'breaks'], ['deleted']).client, 2)).rejects.toThrow('no such function')
  })
})
