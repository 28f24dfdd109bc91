import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createLogger, traceFields } from '../../src/telemetry/logger.ts'

let directory: string
let file: string
let fd: number

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-log-'))
  file = join(directory, 'out.log')
  fd = openSync(file, 'w')
})

afterEach(() => {
  closeSync(fd)
  rmSync(directory, { recursive: true })
})

const entries = () => readFileSync(file, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line) as Record<string, unknown>) // prettier-ignore

describe('the log as JSON', () => {
  it('has one object per line with ISO time, level by name and the facts, at once', () => {
    const logger = createLogger({ level: 'info', fd })
    logger.info({ source: 'orders', n: 1 }, 'an event came in')
    logger.child({ part: 'kafka' }).warn({ ...traceFields('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01') }, 'slow') // prettier-ignore
    logger.debug({}, 'not at this level')
    const [first, second, ...more] = entries()
    expect(more).toEqual([])
    expect(first).toMatchObject({ level: 'info', source: 'orders', n: 1, msg: 'an event came in' })
    expect(new Date(first!['time'] as string).toISOString()).toBe(first!['time'])
    expect(second).toMatchObject({
      level: 'warn',
      part: 'kafka',
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
    })
  })

  it('never shows a secret, down to the third level', () => {
    createLogger({ level: 'info', fd }).info(
      {
        password: 'hunter2',
        kafka: { sasl: { username: 'u', password: 'hunter2' }, brokers: ['a'] },
        request: { headers: { authorization: 'Bearer hunter2', cookie: 'hunter2', host: 'x' } },
        api: { token: 'hunter2' },
      },
      'configured',
    )
    expect(readFileSync(file, 'utf8')).not.toContain('hunter2')
    expect(entries()[0]).toMatchObject({ kafka: { brokers: ['a'] }, request: { headers: { host: 'x' } } })
  })

  it('shows the code and stack of an error', () => {
    createLogger({ level: 'info', fd }).error({ err: Object.assign(new Error('boom'), { code: 'E_X' }) }, 'failed')
    expect(entries()[0]).toMatchObject({ err: { message: 'boom', code: 'E_X' } })
  })

  it('says which gateway writes it, where lines for people do not', () => {
    const resource = { 'service.name': 'sluice', 'service.instance.id': 'i-1' }
    createLogger({ level: 'info', fd, resource }).child({ part: 'kafka' }).info('ready')
    createLogger({ level: 'info', fd, resource, pretty: true }).info('ready')
    const [json, people] = readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(JSON.parse(json!)).toMatchObject({ resource, part: 'kafka', msg: 'ready' })
    expect(people).toMatch(/ INFO {2}ready$/)
  })

  it('survives an output that cannot be written', () => {
    const readOnly = openSync(file, 'r')
    const logger = createLogger({ level: 'info', fd: readOnly })
    expect(() => logger.info({}, 'lost')).not.toThrow()
    closeSync(readOnly)
  })
})

describe('the log for people', () => {
  it('has one line per entry', () => {
    const logger = createLogger({ level: 'info', fd, pretty: true })
    logger.info({ source: 'orders', note: 'two words', n: 1 }, 'an event came in')
    expect(readFileSync(file, 'utf8')).toMatch(
      /^\d\d:\d\d:\d\d INFO {2}an event came in source=orders note="two words" n=1\n$/,
    )
  })
})

it('trace fields are only those of a valid traceparent', () => {
  expect(traceFields(undefined)).toEqual({})
  expect(traceFields('00-nonsense')).toEqual({})
})
