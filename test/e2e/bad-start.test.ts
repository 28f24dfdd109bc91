import { createServer, type Server } from 'node:net'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { functionFile, prepareGateway, startGateway, type GatewayProcess } from './gateway-process.ts'
import { hooksSource } from './webhook-gateway.ts'

const broken = (name: string): string => join(resolve(import.meta.dirname, '../fixtures/functions'), name)

let gateway: GatewayProcess
const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await gateway.dispose()
  for (const end of ends.splice(0)) await end()
})

/** Starts what cannot start, and returns how it ended. */
async function failure(config: Record<string, unknown> | string) {
  gateway = await prepareGateway({ config })
  return startAgain()
}

async function startAgain() {
  const { exit, stdout, stderr } = await gateway.run('start', '--config', gateway.path('sluice.yaml'))
  expect(stdout).not.toContain('is ready')
  return { code: exit.code, message: stderr }
}

async function listenOn(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>(done => server.listen(port, '127.0.0.1', done))
  ends.push(() => new Promise(done => server.close(done)))
  return server
}

describe('a start that cannot succeed', () => {
  it('names a function file that is missing, and where it is asked for: exit code 2', async () => {
    const { code, message } = await failure({ functions: { lost: { file: './nowhere.mjs' } } })
    expect(code).toBe(2)
    expect(message).toMatch(/sluice\.yaml:\d+:\d+: function 'lost': .*nowhere\.mjs/)
  })

  it('names every function that does not parse, throws, never ends or exports no handler, at once: exit code 2', async () => {
    const names = ['load-syntax', 'load-throws', 'load-never', 'load-loop', 'load-exit', 'no-handler']
    const functions = Object.fromEntries(names.map(name => [name, { file: broken(`${name}.mjs`) }]))
    const { code, message } = await failure({ functions: { ...functions, good: { file: functionFile('hold.mjs') } } })
    expect(code).toBe(2)
    const lineOf = (name: string) => message.split('\n').find(line => line.includes(`function '${name}'`))
    expect(lineOf('load-syntax')).toMatch(/SyntaxError.*load-syntax\.mjs:2/)
    expect(lineOf('load-throws')).toContain('no database 3')
    expect(lineOf('load-never')).toContain('its top level does not end')
    expect(lineOf('load-loop')).toContain('its top level does not end')
    expect(lineOf('load-exit')).toContain('ended its worker while loading')
    expect(lineOf('no-handler')).toMatch(/no .*default/)
    expect(lineOf('good')).toBeUndefined()
  })

  it('lists all problems of a configuration at once, with line and column: exit code 2', async () => {
    const { code, message } = await failure(
      [
        'http: { port: eighty }',
        'sources:',
        '  hooks: { type: http, pth: /hooks }',
        'triggers:',
        '  lost: { stream: hoks, function: nobody }',
        '',
      ].join('\n'),
    )
    expect(code).toBe(2)
    const places = [...message.matchAll(/sluice\.yaml:(\d+:\d+): (.*)/g)].map(([, place, what]) => `${place} ${what}`)
    expect(places.length).toBeGreaterThanOrEqual(5)
    expect(message).toMatch(/sluice\.yaml:1:15: http\.port: /)
    expect(message).toMatch(/sluice\.yaml:3:\d+: sources\.hooks.*pth/)
    expect(message).toMatch(/sluice\.yaml:5:\d+: triggers\.lost\.stream: .*hoks/)
    expect(message).toMatch(/sluice\.yaml:5:\d+: triggers\.lost\.function: .*nobody/)
  })

  it('says where a file that is no YAML breaks: exit code 2', async () => {
    const { code, message } = await failure('sources: {\n  a: [1\n')
    expect(code).toBe(2)
    expect(message).toMatch(/sluice\.yaml:\d+:\d+/)
  })

  it('names a configuration file that is not there: exit code 2', async () => {
    gateway = await prepareGateway({ config: {} })
    const { exit, stderr } = await gateway.run('start', '--config', gateway.path('other.yaml'))
    expect(exit.code).toBe(2)
    expect(stderr).toContain('other.yaml')
  })

  it('names the HTTP port that is in use: exit code 1, and the data directory is free again', async () => {
    gateway = await prepareGateway({ config: { sources: { hooks: hooksSource } } })
    const server = await listenOn(gateway.httpPort)
    const { code, message } = await startAgain()
    expect(code).toBe(1)
    expect(message).toContain(String(gateway.httpPort))
    expect(message).toMatch(/in use/)
    await new Promise(done => server.close(done))
    await gateway.start()
    await gateway.stop()
  })

  it('names the MQTT port that is in use: exit code 1', async () => {
    gateway = await prepareGateway({ config: { sources: { devices: { type: 'mqtt', topics: ['devices/#'] } } } })
    await listenOn(gateway.mqttPort)
    const { code, message } = await startAgain()
    expect(code).toBe(1)
    expect(message).toContain(String(gateway.mqttPort))
  })

  it('refuses a data directory that another process uses, names that process, and leaves it alone: exit code 1', async () => {
    gateway = await startGateway({ config: { sources: { hooks: hooksSource } } })
    const port = '0'
    const second = await gateway.run('start', '--config', gateway.path('sluice.yaml'), '--port', port)
    expect(second.exit.code).toBe(1)
    expect(second.stderr).toContain(gateway.path('data'))
    expect(second.stderr).toContain(String(gateway.process.pid))
    expect((await gateway.post('/hooks', { id: 'e-0', key: 'k', seq: 0 })).status).toBe(202)
    await gateway.stop()
  })

  it('refuses to listen to the whole network without authentication, unless told so: exit code 2', async () => {
    const { code, message } = await failure({ http: { host: '0.0.0.0' }, sources: { hooks: hooksSource } })
    expect(message).toContain('insecure')
    expect(code).toBe(2)
  })
})
