import { afterEach, describe, expect, it } from 'vitest'
import type { InvocationOutcome } from '../../src/workers/invocation.ts'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPoolOptions } from '../../src/workers/pool-options.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { invocationOf, jsonOf, outcomesOf, roomIn, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool

function start(changes: Partial<FunctionVersion> = {}, options: WorkerPoolOptions = {}): WorkerPool {
  pool = createWorkerPool(versionOf('hostile.mjs', { timeoutMs: 400, ...changes }), options)
  pool.setWorkers(1)
  return pool
}

afterEach(async () => {
  await pool.close(0)
})

async function act(name: string, data: object = {}): Promise<InvocationOutcome> {
  const [outcome] = await outcomesOf(pool, [invocationOf({ act: name, n: 1, ...data })])
  return outcome!
}

const healthy = async (): Promise<void> => expect(jsonOf(await act('ok'))).toEqual([{ n: 1 }])

describe('a handler that does not end', () => {
  it.each(['loop', 'asyncLoop', 'never', 'thenable', 'wait', 'redos'])(
    '%s is ended as a time-out and the next event runs',
    async name => {
      start()
      await healthy()
      expect(await act(name)).toMatchObject({ kind: 'failed', error: { reason: 'timeout' } })
      await healthy()
      expect(pool.stats()).toMatchObject({ killed: 1, leaked: 0 })
    },
  )

  it('leaves no thread behind after many time-outs', async () => {
    start({ timeoutMs: 60 })
    for (let i = 0; i < 12; i++) expect(await act(i % 2 === 0 ? 'loop' : 'never')).toMatchObject({ kind: 'failed' })
    await roomIn(pool)
    expect(pool.stats()).toMatchObject({ workers: 1, killed: 12, leaked: 0 })
  })

  it('is told by the signal first, and goes unharmed when it listens', async () => {
    pool = createWorkerPool(versionOf('soft-timeout.mjs', { timeoutMs: 100 }))
    pool.setWorkers(1)
    expect(jsonOf(await act('', { polite: true }))).toEqual([{ stopped: true }])
    expect(pool.stats().killed).toBe(0)
    expect(await act('', { polite: false })).toMatchObject({ kind: 'failed', error: { reason: 'timeout' } })
  })

  it('takes nobody with it: innocent events that ran beside it go back uncharged', async () => {
    start({ concurrency: 3 })
    const outcomes = await outcomesOf(pool, [
      invocationOf({ act: 'never' }),
      invocationOf({ act: 'slow', ms: 1, n: 2 }),
      invocationOf({ act: 'slow', ms: 20_000 }),
      invocationOf({ act: 'slow', ms: 20_000 }, { followsPrevious: true }),
      invocationOf({ act: 'slow', ms: 1, n: 3 }),
    ])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'succeeded', 'not-started', 'not-started', 'succeeded'])
  })

  it('tells what had begun beside an attempt that timed out from what had not', async () => {
    start({ timeoutMs: 100, concurrency: 2 })
    const frame = ['never', 'never', 'ok'].map(name => invocationOf({ act: name }))
    const [culprit, beside, behind] = await outcomesOf(pool, frame)
    expect(culprit).toMatchObject({ kind: 'failed', error: { reason: 'timeout' } })
    expect(beside).toEqual({ kind: 'not-started', interrupted: true })
    expect(behind).toEqual({ kind: 'not-started' })
  })

  it('makes suspects of the events that may have run, and is found out when they run alone', async () => {
    start()
    await healthy()
    const frame = ['none', 'none', 'loop', 'none'].map(name => invocationOf({ act: name }))
    const outcomes = await outcomesOf(pool, frame)
    expect(outcomes.every(({ kind }) => kind === 'suspect' || kind === 'succeeded')).toBe(true)
    expect(outcomes[2]!.kind).toBe('suspect')
    // The pool is careful now: even together it is known exactly.
    const again = await outcomesOf(
      pool,
      ['none', 'loop', 'none'].map(name => invocationOf({ act: name })),
    )
    expect(again.map(({ kind }) => kind)).toEqual(['succeeded', 'failed', 'not-started'])
  })
})

describe('a handler that ends its worker', () => {
  it.each([
    ['exit', 'crash'],
    ['exitAsync', 'crash'],
    ['noListeners', 'crash'],
    ['throwInTimer', 'crash'],
  ])('%s is a failure (%s), never a success', async (name, reason) => {
    start()
    expect(await act(name)).toMatchObject({ kind: 'failed', error: { reason } })
    await healthy()
  })

  it('by filling the heap fails as out of memory', async () => {
    start({ timeoutMs: 30_000, memoryMiB: 32 })
    expect(await act('oom')).toMatchObject({ kind: 'failed', error: { reason: 'out-of-memory' } })
    await healthy()
  })

  it.each(['exitLate', 'throwLate', 'rejectLate'])(
    '%s after it has returned is not charged to the next event',
    async name => {
      const lines: FunctionLogEntry[] = []
      start({}, { onLog: entry => lines.push(entry) })
      expect(await act(name)).toMatchObject({ kind: 'succeeded' })
      expect((await act('slow', { ms: 150 })).kind).toMatch(/succeeded|not-started/)
      await healthy()
      expect(
        lines.some(({ level, message }) => level === 'error' && message.includes('outside of an invocation')),
      ).toBe(true)
    },
  )
})

describe('a handler that throws', () => {
  it.each([
    ['throwNull', 'null was thrown'],
    ['throwUndefined', 'undefined was thrown'],
    ['throwEmpty', "'' was thrown"],
    ['throwZero', '0 was thrown'],
    ['throwFalse', 'false was thrown'],
    ['throwSymbol', 'Symbol(s) was thrown'],
    ['rejectNull', 'null was thrown'],
    ['hostileGetter', 'a value that cannot be shown was thrown'],
    ['hostileProxy', 'a value that cannot be shown was thrown'],
    ['hostileThen', 'then'],
    ['bigMessage', 'a message of 50000000 characters, which are not kept'],
    ['abort', 'process.abort() is not supported in workers'],
    ['chdir', 'process.chdir() is not supported in workers'],
    ['umask', 'Setting process.umask() is not supported in workers'],
  ])('%s has failed, with a bounded message', async (name, message) => {
    start({ memoryMiB: 128 })
    expect(await act(name)).toMatchObject({ kind: 'failed', error: { reason: 'error', message } })
    await healthy()
    expect(pool.stats().killed).toBe(0)
  })
})

describe('a handler that returns nonsense', () => {
  it.each([
    ['returnFunction', 'bad-result', 'a function is no result'],
    ['returnSymbol', 'bad-result', 'a symbol is no result'],
    ['returnBigInt', 'bad-result', 'BigInt'],
    ['returnCycle', 'bad-result', 'circular'],
    ['returnBig', 'result-too-large', '1048576 are allowed'],
  ])('%s has failed as %s', async (name, reason, message) => {
    start({ memoryMiB: 256 })
    const outcome = await act(name)
    expect(outcome).toMatchObject({ kind: 'failed', error: { reason } })
    expect(outcome.kind === 'failed' && outcome.error.message).toContain(message)
    await healthy()
  })
})

describe('a handler that meddles with its worker', () => {
  it('leaves nothing to the next invocation when it pollutes prototypes', async () => {
    const lines: FunctionLogEntry[] = []
    start({}, { onLog: entry => lines.push(entry) })
    expect(await act('pollute')).toMatchObject({ kind: 'succeeded' })
    expect(jsonOf(await act('clean'))).toEqual([{ polluted: 'no' }])
    expect(lines.some(({ message }) => message.includes('Object.prototype'))).toBe(true)
  })

  it.each(['closePort', 'forge', 'patchPost'])('%s does not confuse the pool', async name => {
    const lines: FunctionLogEntry[] = []
    start({}, { onLog: entry => lines.push(entry) })
    const first = await act(name)
    expect(['succeeded', 'failed']).toContain(first.kind)
    await healthy()
    expect(lines.filter(({ message }) => message === 'forged')).toEqual([])
  })

  it('sees only the declared environment and none of the options of the gateway', async () => {
    start({ environment: { REGION: 'north' } })
    expect(jsonOf(await act('env'))).toEqual([{ env: { REGION: 'north' }, argv: 0, data: true }])
  })
})

describe('a handler that logs', () => {
  it('has its console and standard streams captured with the invocation', async () => {
    const lines: FunctionLogEntry[] = []
    start({}, { onLog: entry => lines.push(entry) })
    await act('say')
    expect(lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'hello you'],
      ['error', 'oh'],
      ['info', 'raw'],
    ])
    expect(
      lines.every(line => line.invocationId?.startsWith('probes/3/') === true && line.trigger === 'on-probe'),
    ).toBe(true)
  })

  it('cannot flood: beyond 64 KiB per invocation lines are counted, not kept', async () => {
    const lines: FunctionLogEntry[] = []
    start({ timeoutMs: 20_000 }, { onLog: entry => lines.push(entry) })
    expect(await act('flood')).toMatchObject({ kind: 'succeeded' })
    const kept = lines.filter(({ message }) => message.startsWith('x'))
    const dropped = lines.reduce((sum, line) => sum + (line.dropped ?? 0), 0)
    expect(kept.length).toBeLessThan(150)
    expect(kept.length + dropped).toBe(200_000)
  })
})
