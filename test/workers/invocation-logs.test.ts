import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'
import { feed, invocationOf, jsonOf, outcomesOf, versionOf, type RecordedInvocation } from './worker-fixtures.ts'

let pool: WorkerPool
let lines: FunctionLogEntry[]

function start(file: string, concurrency = 8): void {
  lines = []
  pool = createWorkerPool(versionOf(file, { concurrency }), { onLog: entry => lines.push(entry) })
  pool.setWorkers(1)
}

afterEach(async () => {
  await pool.close(0)
})

/** Texts of the lines that carry the id of the invocation. */
const linesOf = ({ invocationId }: { readonly invocationId?: string }): string[] =>
  lines.filter(line => line.invocationId === invocationId).map(({ message }) => message)

const named = (data: object, invocationId: string): RecordedInvocation => invocationOf(data, { invocationId })

describe('lines of an invocation', () => {
  it('carry its id, also those of handlers that run at the same time and after they have waited', async () => {
    start('talkative.mjs')
    const frame = [1, 2, 3, 4].map(n => named({ n, wait: n }, `call-${n}`))
    await outcomesOf(pool, frame)
    for (const [i, invocation] of frame.entries())
      expect(linesOf(invocation)).toEqual([`start ${i + 1}`, `middle ${i + 1}`, `end ${i + 1}`])
    expect(lines.length).toBe(12)
  })

  it('carry it when a handler that has always returned at once waits for the first time', async () => {
    start('talkative.mjs')
    const frame = [
      named({ n: 1 }, 'a'),
      named({ n: 2 }, 'b'),
      named({ n: 3, wait: 2 }, 'c'),
      named({ n: 4, wait: 2 }, 'd'),
    ]
    await outcomesOf(pool, frame)
    const again = [named({ n: 5 }, 'e'), named({ n: 6, wait: 1 }, 'f')]
    await outcomesOf(pool, again)
    expect([...frame, ...again].map(linesOf)).toEqual([
      ['start 1'],
      ['start 2'],
      ['start 3', 'middle 3', 'end 3'],
      ['start 4', 'middle 4', 'end 4'],
      ['start 5'],
      ['start 6', 'middle 6', 'end 6'],
    ])
  })

  it('arrive before its outcome', async () => {
    start('talkative.mjs', 3)
    const known: number[] = []
    const frame = Array.from({ length: 60 }, (_, n) => {
      const invocation = named({ n, wait: n % 5 }, `call-${n}`)
      const { settle } = invocation
      return Object.assign(invocation, {
        settle(outcome: Parameters<typeof settle>[0]) {
          known.push(linesOf(invocation).length)
          settle(outcome)
        },
      })
    })
    await outcomesOf(pool, frame)
    expect(known).toEqual(frame.map(() => 3))
  })

  it('have the id that the invocation was given, or one made of its position', async () => {
    start('talkative.mjs')
    const direct = { ...feed, trigger: '', stream: '' }
    const given = invocationOf({ n: 1 }, { invocationId: 'request-grün', feed: direct })
    const made = invocationOf({ n: 2 }, { attempt: 2 })
    const outcomes = await outcomesOf(pool, [given, made])
    const ids = ['request-grün', `probes/3/${made.record.offset}#2`]
    expect(outcomes.map(jsonOf)).toEqual(ids.map(id => [{ id }]))
    expect(lines.map(line => line.invocationId)).toEqual(ids)
  })
})
