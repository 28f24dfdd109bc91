import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fastify, type FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { registerApi } from '../../src/api/register-api.ts'
import { createStubControl } from '../api/stub-control.ts'
import { runProcess } from './run-process.ts'

const token = 'correct-horse-battery'
let app: FastifyInstance
let url: string
let dir: string

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-cli-'))
  app = fastify()
  await registerApi(app, createStubControl(), { token })
  url = await app.listen({ port: 0, host: '127.0.0.1' })
})
afterAll(async () => {
  await app.close()
  rmSync(dir, { recursive: true })
})

const sluice = (args: string[], environment: Record<string, string> = {}, input?: string) =>
  runProcess('bin/sluice.js', args, { SLUICE_URL: url, SLUICE_TOKEN: token, ...environment }, input)

describe('sluice, talking to a gateway', () => {
  it('prints an aligned table for people', async () => {
    const { stdout, code } = await sluice(['triggers'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'TRIGGER  STATE    STREAM     FUNCTION       LAG  IN FLIGHT  PARKED KEYS  SUCCEEDED  RETRIES  DEAD LETTERS  WHY',
        'alerts   running  telemetry  alert@live  12,345          3            1          5        4             3  -',
        '',
      ].join('\n'),
    )
  })

  it('prints JSON for programs', async () => {
    const { stdout } = await sluice(['sources', '--json'])
    expect(JSON.parse(stdout)).toMatchObject([{ name: 'web', accepted: 7 }])
  })

  it('lists everything that the API lists, and lets no control character through', async () => {
    for (const noun of ['functions', 'sources', 'streams', 'sinks', 'scaling']) {
      const { stdout, stderr, code } = await sluice([noun])
      expect([noun, code, stderr]).toEqual([noun, 0, ''])
      expect(stdout).not.toMatch(/undefined|\u001b/)
    }
  })

  it('pauses and resumes', async () => {
    expect((await sluice(['pause', 'alerts', '--reason', 'firmware', '--by', 'ada'])).stdout).toBe(
      'alerts is paused; 12345 events to go\n',
    )
    expect((await sluice(['triggers'])).stdout).toContain('firmware (ada)')
    const drop = ['resume', 'alerts', '--drop-parked']
    expect(JSON.parse((await sluice([...drop, '--dry-run', '--json'])).stdout)).toMatchObject({ parked: 3, dropped: 0 })
    expect((await sluice([...drop, '--yes'])).stdout).toContain('3 parked events of alerts are dead letters now\n')
    expect((await sluice(['resume', 'alerts'])).stdout).toContain('alerts is running')
  })

  it('shows dead letters and how to see more', async () => {
    const { stdout } = await sluice(['dead-letters', 'alerts', '--limit', '2'])
    expect(stdout).toContain('telemetry/0/3')
    expect(stdout).toContain('3 in all; older ones: --before 2')
  })

  it('invokes a function with data, file or standard input', async () => {
    const file = join(dir, 'data.json')
    writeFileSync(file, '{"from":"file"}')
    expect((await sluice(['invoke', 'echo', '--data', 'hello'])).stdout).toBe('hello\n')
    expect((await sluice(['invoke', 'echo', '--file', file])).stdout).toBe('{"from":"file"}\n')
    expect((await sluice(['invoke', 'echo', '--file', '-'], {}, 'stdin')).stdout).toBe('stdin\n')
  })

  it('says what the gateway said when it refuses', async () => {
    const { code, stderr } = await sluice(['pause', 'nope', '--reason', 'x'])
    expect(code).toBe(1)
    expect(stderr).toBe("sluice: the gateway answered 404 SLUICE_API_NOT_FOUND: there is no trigger 'nope'\n")
    expect(await sluice(['invoke', 'nope'])).toMatchObject({ code: 1, stdout: '' })
    expect((await sluice(['triggers', '--token', 'wrong'])).stderr).toContain('--token or SLUICE_TOKEN')
  })

  it('exits with 3 when there is no gateway, and says what to do', async () => {
    const { code, stderr } = await sluice(['triggers', '--url', 'http://127.0.0.1:1'])
    expect(code).toBe(3)
    expect(stderr).toMatch(/^sluice: no gateway at http:\/\/127\.0\.0\.1:1 \(.*\); start one with `sluice start`.*\n$/)
  })
})

describe('sluice, used wrongly', () => {
  it.each([
    ['an unknown command', ['trigers'], 'Did you mean triggers?'],
    ['an unknown option', ['triggers', '--jsn'], 'Did you mean --json?'],
    [
      'a drop of what cannot park',
      ['resume', 'partition', 'alerts', '3', '--drop-parked'],
      'only what a trigger or a key',
    ],
    ['a missing argument', ['resume'], "missing required argument 'trigger'"],
    ['a missing reason', ['pause', 'alerts'], '--reason'],
    ['a port that is none', ['start', '--port', 'x'], 'whole number from 0 to 65535'],
    ['a url that is none', ['triggers', '--url', 'localhost'], '--url must be like'],
    ['a file that is not there', ['invoke', 'echo', '--file', '/none'], 'cannot be read'],
    [
      'a configuration that is not there',
      ['start', '-c', '/none.yaml'],
      '/none.yaml: the configuration cannot be read',
    ],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    const { code, stderr } = await sluice(args)
    expect(stderr).toContain(expected)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(2)
  })

  it('tells every problem of a configuration, and exits with 2', async () => {
    const file = join(dir, 'bad.yaml')
    writeFileSync(file, 'htp: {}\nmode: x\n')
    for (const command of ['start', 'check']) {
      const { code, stderr } = await sluice([command, '-c', file])
      expect(stderr).toBe(
        `sluice: 2 problems in the configuration:\n${file}:1:1: htp: there is no such field; did you mean 'http'?\n${file}:2:7: mode: must be 'standalone'\n`,
      )
      expect(code).toBe(2)
    }
  })
})

describe('sluice, on its own', () => {
  it('checks the shipped configuration', async () => {
    const { code, stdout, stderr } = await sluice(['check', '-c', 'config/standalone.yaml'])
    expect([code, stdout.split('\n', 1)[0]]).toEqual([
      0,
      'config/standalone.yaml is valid: 3 sources, 2 streams, 4 functions, 2 sinks, 2 triggers',
    ])
    expect(stderr).toContain('off: source orders: kafka.brokers is empty: set KAFKA_BROKERS')
  })

  it('prints versions and help, with examples', async () => {
    expect((await sluice(['version'])).stdout).toMatch(/^sluice \d+\.\d+\.\d+, Node\.js v\d+/)
    const help = await sluice(['--help'])
    expect([help.code, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('Examples:')
    expect((await sluice(['start', '--help'])).stdout).toContain('KAFKA_BROKERS=')
  })
})
