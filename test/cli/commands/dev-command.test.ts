import { userInfo } from 'node:os'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { logLineOf } from '../../api/sample-views.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'
import { cli, startCli, type CliOptions, type RunningCli } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
let project: ProjectFolder
let entry: string
let running: RunningCli | undefined
const name = `dev-${userInfo()
  .username.toLowerCase()
  .replaceAll(/[^a-z0-9-]+/g, '-')}-price`

beforeEach(async () => {
  gateway = await startMemoryGateway()
  project = createProjectFolder()
  project.file('package.json', '{}')
  entry = project.file('price.ts', 'export default () => 1')
})
afterEach(async () => {
  running?.interrupt()
  await running?.ended
  running = undefined
  project.remove()
  await gateway.close()
})

const dev = (args: string[] = [], options: CliOptions = {}) =>
  (running = startCli(['dev', entry, ...args], { environment: { SLUICE_URL: gateway.url }, ...options }))
const record = () => gateway.state.functions.get(name)
const trigger = () => gateway.state.triggers.get(name)
const isFollowed = async () => {
  while (gateway.followers.size === 0) await new Promise(resolve => setImmediate(resolve))
}

describe('sluice dev', () => {
  it('runs a function and a trigger of its own on new events, results going nowhere', async () => {
    const session = dev(['--stream', 'orders'])
    await session.printed(`${name} runs`)
    await session.printed('error: too hot\n    event e1, key d1, at telemetry/0/1\n')
    expect(session.err).toMatch(/\d\d:\d\d:\d\d deployed [0-9a-f]{12}, \d+ B of 1 source\n/)
    expect(session.err).toContain('on new events of orders; results go nowhere\n')
    expect(record()).toMatchObject({ latest: { definition: { retry: { maxAttempts: 1 } } } })
    expect(trigger()?.definition).toMatchObject({ stream: 'orders', function: name, start: 'latest', sinks: [] })
    for (const made of [record(), trigger()]) expect(made?.expiresAtMs).toBeGreaterThan(Date.now())
  })

  it('shows the lines of the function, and not those of an earlier session', async () => {
    gateway.log(logLineOf(1, { message: 'long ago' }))
    const session = dev(['--stream', 'orders'])
    await isFollowed()
    gateway.log(logLineOf(2, { message: 'hello' }))
    await session.printed('hello')
    expect(session.out).not.toContain('long ago')
  })

  it('deletes both at Ctrl-C', async () => {
    const session = dev(['--stream', 'orders'])
    await isFollowed()
    session.interrupt()
    expect(await session.ended).toMatchObject({ code: 0, err: expect.stringContaining(`deleted ${name}\n`) })
    expect([record(), trigger()]).toEqual([undefined, undefined])
  })

  it('replaces the function at every save, and keeps the last good one', async () => {
    const session = dev()
    await session.printed('deployed')
    const first = record()?.latest.code.hash
    project.file('price.ts', 'export default () => (')
    await session.printed('price.ts:1:23: Unexpected end of file')
    expect(session.err).toContain('the last good version goes on\n')
    expect(record()?.latest.code.hash).toBe(first)
    project.file('price.ts', 'export default () => 2')
    while (record()?.latest.code.hash === first) await new Promise(resolve => setImmediate(resolve))
    const second = record()?.latest.code.hash
    gateway.refusedModule = 'x'
    gateway.onRequest = ({ body }) => {
      gateway.refusedModule = (body as { code?: { module: string } } | undefined)?.code?.module ?? 'x'
    }
    project.file('price.ts', 'export default () => missing')
    await session.printed('SLUICE_FUNCTIONS_LOAD')
    expect(record()?.latest.code.hash).toBe(second)
  })

  it('waits for the first version that builds', async () => {
    project.file('price.ts', 'export default () => (')
    const session = dev(['--stream', 'orders'])
    await session.printed('waiting for a change')
    expect(gateway.writes).toEqual([])
    project.file('price.ts', 'export default () => 1')
    await session.printed(`${name} runs`)
  })

  it('follows the definition of the manifest, too', async () => {
    const manifest = (timeoutMs: number) =>
      project.file('sluice.yaml', `functions:\n  price: { file: price.ts, timeoutMs: ${timeoutMs} }\n`)
    manifest(5000)
    const session = dev()
    await session.printed('deployed')
    expect(record()?.latest.definition.timeoutMs).toBe(5000)
    manifest(6000)
    while (record()?.latest.definition.timeoutMs !== 6000) await new Promise(resolve => setImmediate(resolve))
    project.file('sluice.yaml', 'functions:\n  price: { file: price.ts, timeoutMs: soon }\n')
    await session.printed('sluice.yaml:2:39: functions.price.timeoutMs')
    expect(record()?.latest.definition.timeoutMs).toBe(6000)
  })

  it('gets what another trigger gets, and with --live its results go where they would', async () => {
    putFunction(gateway, 'price')
    const create = ['triggers', 'create', 'orders', '--stream', 'orders', '--function', 'price', '--sink', 'priced']
    await cli([...create, '--filter', '{"type":"a"}'], { environment: { SLUICE_URL: gateway.url } })
    const session = dev(['--trigger', 'orders', '--live'])
    await session.printed('results go to priced')
    expect(trigger()?.definition).toMatchObject({ stream: 'orders', filter: { type: 'a' }, sinks: ['priced'] })
  })

  it('takes over what an earlier session left behind, from the end of the stream', async () => {
    const first = dev(['--stream', 'orders'])
    await first.printed(`${name} runs`)
    const left = trigger()
    const second = startCli(['dev', entry, '--stream', 'telemetry'], { environment: { SLUICE_URL: gateway.url } })
    await second.printed(`${name} runs`)
    expect(trigger()?.uid).not.toBe(left?.uid)
    expect(trigger()?.definition.stream).toBe('telemetry')
    second.interrupt()
    await second.ended
  })

  it('shows how far it is, on a terminal', async () => {
    const session = dev(['--stream', 'orders'], { terminal: { columns: 120, colors: false } })
    await session.printed('5 done, 6 failed, 3 running, 12345 waiting · Ctrl-C ends')
  })

  it('ends when the gateway refuses for good, and leaves nothing behind', async () => {
    const session = dev(['--stream', 'nope'])
    const { code, err } = await session.ended
    expect([code, err]).toMatchObject([1, expect.stringContaining("there is no stream 'nope'")])
    expect(record()).toBeUndefined()
  })

  it('exits with 3 when there is no gateway', async () => {
    expect((await dev(['--url', 'http://127.0.0.1:1']).ended).code).toBe(3)
  })

  it.each([
    ['sinks that get nothing', ['--sink', 'priced'], '--sink goes with --live'],
    ['--live without events', ['--live'], 'go with --stream or --trigger'],
    ['a stream and a trigger', ['--stream', 'orders', '--trigger', 'x'], 'cannot be used with'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    expect(await dev(args).ended).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
  })
})
