import { connect, type Socket } from 'node:net'
import Value from 'typebox/value'
import { httpListenerSchema, type HttpListenerConfig } from '../../../src/config/sections/http-listener.ts'
import { httpSourceSchema, type HttpSourceConfig } from '../../../src/config/sections/http-source.ts'
import { createHttpListener, type HttpListener } from '../../../src/sources/http/http-listener.ts'
import { HttpSource, type HttpSourceOptions } from '../../../src/sources/http/http-source.ts'
import { StreamTaker } from '../../../src/sources/http/stream-taker.ts'
import { createStreamIntake } from '../../../src/sources/stream-intake.ts'
import { MemoryLog } from '../memory-log.ts'

type Settings = Record<string, unknown>

export const listenerConfig = (settings: Settings = {}): HttpListenerConfig =>
  Value.Parse(httpListenerSchema, Value.Default(httpListenerSchema, { port: 0, ...settings })) as HttpListenerConfig

export const sourceConfig = (settings: Settings = {}): HttpSourceConfig =>
  Value.Default(httpSourceSchema, { type: 'http', path: '/hook', ...settings }) as HttpSourceConfig

export interface SourceFixture extends AsyncDisposable {
  readonly log: MemoryLog
  readonly listener: HttpListener
  readonly source: HttpSource
  readonly url: string
  post(body: string | Buffer, headers?: Record<string, string>, path?: string): Promise<Response>
  /** A raw connection: writes what it is given and reads until the end. */
  raw(...parts: (string | Buffer)[]): Promise<string>
}

/** A listener with one source on a real socket, over a log in memory that can be held and failed. */
export async function startSource(
  settings: Settings = {},
  options: { listener?: Settings } & Partial<HttpSourceOptions> = {},
): Promise<SourceFixture> {
  const { listener: listenerSettings, ...sourceOptions } = options
  const log = new MemoryLog()
  const listener = createHttpListener({ config: listenerConfig(listenerSettings) })
  const intake = createStreamIntake({ log, dedupe: { windowMs: 60_000, maxEntries: 1000 } })
  const source = new HttpSource({
    name: 'shop',
    config: sourceConfig(settings),
    routes: listener.routes,
    taker: new StreamTaker(intake),
    ...sourceOptions,
  })
  await source.start()
  await listener.start()
  return {
    log,
    listener,
    source,
    url: listener.url!,
    post: (body, headers = { 'content-type': 'application/json' }, path = '/hook') =>
      fetch(listener.url + path, { method: 'POST', body, headers }),
    raw: (...parts) => exchange(listener.port!, parts),
    [Symbol.asyncDispose]: async () => {
      log.holding = false
      for (const append of log.held) append.complete()
      await source.stop()
      await listener.stop()
    },
  }
}

export function exchange(port: number, parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(port)
    let received = ''
    socket.on('data', chunk => (received += chunk.toString('latin1')))
    socket.on('error', error => (received === '' ? reject(error) : resolve(received)))
    socket.on('close', () => resolve(received))
    for (const part of parts) socket.write(part)
  })
}

export function openSocket(port: number): Socket {
  return connect({ port, host: '127.0.0.1' })
}

export async function problem(response: Response): Promise<Record<string, unknown> & { status: number; code: string }> {
  return { ...((await response.json()) as object), contentType: response.headers.get('content-type') } as never
}
