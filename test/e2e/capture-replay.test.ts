import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startNodeScript } from '../support/child-process.ts'
import { functionFile, launcher, startGateway, type GatewayProcess } from './gateway-process.ts'
import { HttpReceiver } from './http-receiver.ts'

const retry = { maxAttempts: 2, initialDelayMs: 1, jitter: 0 }
const stumble = functionFile('stumble.mjs')

let gateway: GatewayProcess
let receiver: HttpReceiver
let all: string
let letters: string

beforeAll(async () => {
  receiver = await HttpReceiver.start()
  gateway = await startGateway({
    config: {
      streams: { orders: { partitions: 1 } },
      sources: { orders: { type: 'http', path: '/orders', stream: 'orders' } },
      functions: { stumble: { file: stumble, retry } },
      sinks: { crm: { type: 'http', url: `${receiver.url}/` } },
      triggers: { price: { stream: 'orders', function: 'stumble', sinks: ['crm'] } },
    },
  })
  for (const [id, fails] of [
    ['good', 0],
    ['late', 1],
    ['dead', 9],
  ] as const) {
    const headers = { 'ce-specversion': '1.0', 'ce-id': id, 'ce-source': '/test', 'ce-type': 'test' }
    expect((await gateway.post('/orders', { id, fails }, { ...headers, 'x-shop': '1' })).status).toBe(202)
  }
  await gateway.until('all events are finished', async () => {
    const { items } = await gateway.get<{ items: { triggers: { finishedAtMs: number | null }[] }[] }>(
      '/v1/recent-events',
    )
    return items.filter(({ triggers }) => triggers[0]?.finishedAtMs != null).length === 3
  })
  all = gateway.path('all.jsonl')
  letters = gateway.path('letters.jsonl')
  await gateway.cli('capture', '-o', all)
  await gateway.cli('capture', '--dead-letters', 'price', '-o', letters)
}, 90_000)

afterAll(async () => {
  await gateway.dispose()
  await receiver.stop()
})

/** The function with other words in it. */
async function changed(from: string, to: string): Promise<string> {
  const file = gateway.path(`changed-${to.length}.mjs`)
  const code = await readFile(stumble, 'utf8')
  expect(code).toContain(from)
  await writeFile(file, code.replace(from, to))
  return file
}

describe('a capture', () => {
  it('has what was asked for, oldest first, readable for nobody else', async () => {
    const lines = (await readFile(all, 'utf8'))
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, never>)
    expect(lines[0]).toMatchObject({ format: 'sluice-capture/1', events: 3 })
    expect(lines.slice(1).map(({ id }) => id)).toEqual(['good', 'late', 'dead'])
    expect(lines[1]).toMatchObject({ event: { protocol: { headers: { 'x-shop': '1' } } } })
    const failed = await gateway.cli('capture', '--failed')
    expect(failed.trim().split('\n')).toHaveLength(3)
    expect(await gateway.cli('capture', 'good')).toContain('"good"')
  })

  it('of what is not there is refused', async () => {
    const { exit, stderr } = await gateway.run('capture', 'none')
    expect([exit.code, stderr]).toEqual([1, expect.stringContaining('no event with the id none')])
    expect((await gateway.run('capture', '--until', '2020-01-01')).stderr).toContain('nothing to capture')
  })
})

describe('a replay', () => {
  it('of the same function does the same, also what fails', async () => {
    const out = await gateway.cli('replay', all, '--function', stumble)
    expect(out).toMatch(/EVENT +KEY +PLACE +TOOK +VERDICT +WHAT\n/)
    expect(out).toContain('3 events, compared with trigger price: 3 same')
  })

  it('of another one shows what is different, and exits with 1', async () => {
    const { exit, stdout } = await gateway.run('replay', all, '--function', await changed('12.5', '13'))
    expect(exit.code).toBe(1)
    expect(stdout).toContain('2 different')
    expect(stdout).toContain('different good: the result: /price is 13 instead of 12.5')
    expect(stdout).toContain('  - {"price":12.5,"refused":false}\n  + {"price":13,"refused":false}')
  })

  it('of dead letters tells which would succeed now', async () => {
    expect(await gateway.cli('replay', letters, '--function', stumble)).toContain(
      '1 event, compared with trigger price: 1 same',
    )
    const mended = await changed('context.attempt <= fails', 'false')
    expect(await gateway.cli('replay', letters, '--function', mended)).toContain('1 fixed')
  })

  it('of a wrong file says what is wrong, and exits with 2', async () => {
    const { exit, stderr } = await gateway.run('replay', stumble, '--function', stumble)
    expect([exit.code, stderr]).toEqual([2, expect.stringContaining('stumble.mjs, line 1: it is no JSON')])
  })

  it('waits for a debugger, which stands in front of the function and steps into it', async () => {
    const args = ['replay', letters, '--function', stumble, '--inspect', '0']
    const replay = startNodeScript({ script: launcher, args, env: {} })
    const [, url] = await replay.waitForLine(/(ws:\S+)/)
    const debug = await Debugger.attach(url as string)
    expect(await debug.stopped()).toMatch(/step-in\.[jt]s$/)
    let place = ''
    while (!place.endsWith('stumble.mjs')) {
      debug.send('Debugger.stepInto')
      place = await debug.stopped()
    }
    debug.send('Debugger.resume')
    debug.close()
    expect(await replay.exited).toEqual({ code: 0, signal: null })
  })
})

/** As much of the protocol of Node's inspector as a breakpoint needs. */
class Debugger {
  readonly #socket: WebSocket
  readonly #paused: string[] = []
  readonly #scripts = new Map<string, string>()
  #id = 0
  #wake: () => void = () => undefined

  static async attach(url: string): Promise<Debugger> {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const attached = new Debugger(socket)
    attached.send('Debugger.enable')
    attached.send('Runtime.runIfWaitingForDebugger')
    return attached
  }

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => {
      const { method, params } = JSON.parse(data as string) as { method?: string; params: Params }
      if (method === 'Debugger.scriptParsed') this.#scripts.set(params.scriptId, params.url)
      if (method !== 'Debugger.paused') return
      this.#paused.push(this.#scripts.get(params.callFrames[0]?.location.scriptId ?? '') ?? '')
      this.#wake()
    })
  }

  send(method: string): void {
    this.#socket.send(JSON.stringify({ id: ++this.#id, method }))
  }

  /** The script in which it stands, as soon as it does. */
  async stopped(): Promise<string> {
    while (this.#paused.length === 0) await new Promise<void>(resolve => (this.#wake = resolve))
    return this.#paused.shift() as string
  }

  close(): void {
    this.#socket.close()
  }
}

interface Params {
  readonly scriptId: string
  readonly url: string
  readonly callFrames: readonly { readonly location: { readonly scriptId: string } }[]
}
