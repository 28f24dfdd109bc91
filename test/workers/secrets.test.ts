import { afterEach, describe, expect, it } from 'vitest'
import { createWorkerPool } from '../../src/workers/piscina-pool.ts'
import type { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { FunctionLogEntry } from '../../src/workers/worker-settings.ts'
import type { FunctionVersion } from '../../src/functions/function-version.ts'
import { invocationOf, jsonOf, outcomesOf, roomIn, versionOf } from './worker-fixtures.ts'

let pool: WorkerPool
let lines: FunctionLogEntry[]

const secrets = {
  plain: 'correct horse battery staple',
  'with what JSON escapes': 'a"b\\c\td\u2028e/é✓',
  'of several lines': `-----BEGIN KEY-----\n${'QUJDREVGRw'.repeat(12)}\n${'SElKS0xNTg'.repeat(12)}\n-----END KEY-----`,
}

function start(TOKEN: string, changes: Partial<FunctionVersion> = {}): void {
  lines = []
  const version = versionOf('leaky.mjs', { secrets: { TOKEN }, timeoutMs: 2_000, ...changes })
  pool = createWorkerPool(version, { onLog: entry => lines.push(entry), restartDelayMs: 60_000 })
  pool.setWorkers(1)
}

afterEach(async () => {
  await pool.close(0)
})

/** Any twelve characters of it in a row. */
function partOf(token: string, text: string): string | undefined {
  const written = JSON.stringify(token).slice(1, -1)
  for (const form of [token, written]) {
    for (const line of form.split(/\n|\\n/)) {
      for (let at = 0; at + 12 <= line.length; at++) {
        const part = line.slice(at, at + 12)
        if (text.includes(part)) return part
      }
    }
  }
  return undefined
}

describe.each(Object.entries(secrets))('a secret, %s,', (_kind, token) => {
  it('is in no line and no error that leaves its worker', { timeout: 120_000 }, async () => {
    start(token, { environment: {} })
    const acts = [
      'log', 'format', 'object', 'error', 'warn', 'table', 'dir', 'group', 'trace', 'stdout', 'stderr', 'url', 'long', 'longInside',
      'logger', 'unreadable', 'throw', 'name', 'string', 'reject', 'timer', 'late', 'unheard',
    ] // prettier-ignore
    for (const act of acts) {
      const before = lines.length
      const [outcome] = await outcomesOf(pool, [invocationOf({ act })])
      if (act === 'late') await roomIn(pool)
      const told = JSON.stringify([outcome, lines.slice(before)])
      expect([act, partOf(token, told) ?? partOf(token, JSON.parse(told).toString() as string)]).toEqual([
        act,
        undefined,
      ])
      // What was cut off is hidden as well, a late error comes when it comes, and an unheard one may only show as an exit.
      if (!['long', 'late', 'unheard'].includes(act)) expect([act, told.includes('[secret]')]).toEqual([act, true])
      for (const { fields } of lines) if (fields !== undefined) JSON.parse(fields)
    }
  })
})

describe('a secret', () => {
  it('is not in the error of an init that fails', async () => {
    start(secrets.plain, { environment: { FAIL: 'init' } })
    await outcomesOf(pool, [invocationOf({})])
    expect(pool.stats()).toMatchObject({
      state: 'quarantined',
      problem: expect.stringMatching(/init\(\) of .* failed: Error: init with \[secret\]$/) as string,
    })
  })

  it('is not in the report of a batch', async () => {
    start(secrets.plain, { handler: 'batch', batch: { maxEvents: 5 } })
    const [outcome] = await outcomesOf(pool, [invocationOf({})])
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: `the report of a batch handler cannot be used: the batch has no event '[secret]'` },
    })
  })

  it('goes where the function sends it: results are its own business', async () => {
    start(secrets.plain)
    const [outcome] = await outcomesOf(pool, [invocationOf({ act: 'returned' })])
    expect(jsonOf(outcome)).toEqual([{ token: secrets.plain }])
  })

  it('of five characters is left alone: it would be found everywhere', async () => {
    start('event')
    await outcomesOf(pool, [invocationOf({ act: 'log' })])
    expect(lines[0]?.message).toBe('event')
  })
})
