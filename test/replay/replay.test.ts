import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { replay, type ReplayReport, type ReplayRequest } from '../../src/replay/replay.ts'
import type { CapturedLine } from '../../src/replay/capture-file.ts'
import { captureOf, failed, json, lineOf, result, succeeded } from './capture-lines.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-replay-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

function run(code: string, lines: readonly CapturedLine[], more: Partial<ReplayRequest> = {}): Promise<ReplayReport> {
  const capture = join(dir, 'capture.jsonl')
  const functionFile = join(dir, 'function.mjs')
  writeFileSync(capture, captureOf(...lines))
  writeFileSync(functionFile, code)
  return replay({ capture, functionFile, ...more })
}

const verdicts = ({ events }: ReplayReport) => events.map(({ id, verdict }) => `${id} ${verdict}`)

it('runs every event through the function, and compares with what was recorded', async () => {
  const code = `export default event => {
    if (event.data.broken) throw new TypeError('no price')
    return { price: event.data.amount * 2 }
  }`
  const report = await run(code, [
    lineOf('as-before', { amount: 1 }, succeeded(json({ price: 2 }))),
    lineOf('other', { amount: 2 }, succeeded(json({ price: 5 }))),
    lineOf('broken', { broken: true }, succeeded(json({ price: 2 }))),
    lineOf('still-broken', { broken: true }, failed('TypeError: no price')),
    lineOf('mended', { amount: 3 }, failed('Error: overflow')),
    lineOf('unseen', { amount: 4 }),
  ])
  expect(report.trigger).toBe('price')
  expect(verdicts(report)).toEqual([
    'as-before same',
    'other different',
    'broken failed',
    'still-broken same',
    'mended fixed',
    'unseen new',
  ])
  const [, other, broken] = report.events
  expect(other).toMatchObject({ detail: 'the result: /price is 4 instead of 5', recorded: '{"price":5}' })
  expect(broken?.stack).toContain('function.mjs:2')
})

it('gives what init has made, the environment, and the number of the attempt', async () => {
  const code = `let ready
    export const init = context => { ready = context.env.REGION }
    export default async (event, context) => {
      context.logger.info('running', { id: event.id })
      context.emit('first')
      return ready + context.secrets.token + context.attempt
    }`
  const logged: string[] = []
  const line = lineOf('a', 1, {
    ...succeeded(result('first'), result('eut2')),
    attempts: [{ attempt: 2, version: 'price@3', outcome: 'succeeded' }],
  })
  const more = {
    env: { REGION: 'eu' },
    secrets: { token: 't' },
    onLog: ({ message }: { message: string }) => logged.push(message),
  }
  expect(verdicts(await run(code, [line], more))).toEqual(['a same'])
  expect(logged).toEqual(['running'])
})

it('ends a call that takes too long, and tells the handler', async () => {
  const code = `export default (event, context) =>
    new Promise(resolve => context.signal.addEventListener('abort', () => resolve('late')))`
  const report = await run(code, [lineOf('a', 1, succeeded())], { timeoutMs: 20 })
  expect(report.events[0]).toMatchObject({ verdict: 'failed', detail: expect.stringContaining('longer than 20 ms') })
})

it('calls a batch handler with each event alone', async () => {
  const code = `export const batch = events => ({
    batchItemFailures: events.filter(event => event.data.bad).map(event => ({ itemIdentifier: event.id })) })`
  const lines = [lineOf('good', {}, succeeded()), lineOf('bad', { bad: true }, succeeded())]
  expect(verdicts(await run(code, lines, { batch: true, handler: 'batch' }))).toEqual(['good same', 'bad failed'])
})

it('asks whose records count where there are several', async () => {
  const line = lineOf('a', 1, succeeded(json(1)), { ...succeeded(json(2)), trigger: 'audit' })
  const code = 'export default event => event.data'
  await expect(run(code, [line])).rejects.toThrow('audit, price did: say which with --trigger')
  await expect(run(code, [line], { trigger: 'none' })).rejects.toThrow('nothing of trigger none, but of audit, price')
  expect(verdicts(await run(code, [line], { trigger: 'price' }))).toEqual(['a same'])
})

it('says why a function cannot be loaded', async () => {
  await expect(run('export const other = 1', [])).rejects.toThrow(/default/)
})
