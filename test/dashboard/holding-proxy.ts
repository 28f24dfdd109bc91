import { once } from 'node:events'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A reverse proxy that keeps server-sent events back, as one that buffers answers does: all of the answer, or what follows its head. */
export async function startHoldingProxy(target: string, held: 'answer' | 'events'): Promise<HoldingProxy> {
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith('/v1/live') === true) {
      if (held === 'events') answer.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      return
    }
    const { method, headers, url = '/' } = asked
    const onward = request(target + url, { ...(method === undefined ? {} : { method }), headers }, got => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    asked.pipe(onward)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return new HoldingProxy(server)
}

export class HoldingProxy {
  readonly url: string
  readonly #server: Server

  constructor(server: Server) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
