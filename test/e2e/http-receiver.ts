import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface ReceivedRequest {
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** What it was answered. */
  readonly status: number
}

/** A real HTTP server at the far end of an HTTP sink: it keeps what came and answers what the test says. */
export class HttpReceiver {
  readonly requests: ReceivedRequest[] = []
  readonly url: string
  readonly #server: Server
  readonly #waiters = new Set<() => void>()

  /** @param statusOf the answer to a body, by how often this body came before. Default: 200. */
  static async start(statusOf: (body: string, before: number) => number = () => 200): Promise<HttpReceiver> {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return new HttpReceiver(server, statusOf)
  }

  private constructor(server: Server, statusOf: (body: string, before: number) => number) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      void text(request).then(body => {
        const before = this.requests.filter(each => each.body === body).length
        const status = statusOf(body, before)
        this.requests.push({ url: request.url ?? '', headers: request.headers, body, status })
        response.writeHead(status).end()
        for (const wake of this.#waiters) wake()
      })
    })
  }

  /** Resolves when `enough` holds for what came. */
  waitFor(enough: (requests: readonly ReceivedRequest[]) => boolean): Promise<void> {
    return new Promise(resolve => {
      const check = (): void => {
        if (!enough(this.requests)) return
        this.#waiters.delete(check)
        resolve()
      }
      this.#waiters.add(check)
      check()
    })
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }
}
