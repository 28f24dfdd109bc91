import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface ServiceRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A small HTTP service that an example calls; keeps what it was asked. */
export class HttpService {
  readonly requests: ServiceRequest[] = []
  readonly #server: Server
  readonly #waiters = new Set<() => void>()

  static async open(
    answer: (request: ServiceRequest) => { readonly status: number; readonly body?: unknown },
  ): Promise<HttpService> {
    const service = new HttpService(answer)
    service.#server.listen(0, '127.0.0.1')
    await once(service.#server, 'listening')
    return service
  }

  private constructor(answer: (request: ServiceRequest) => { readonly status: number; readonly body?: unknown }) {
    this.#server = createServer((incoming, response) => {
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const { method = '', url = '', headers } = incoming
        const request = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
        const { status, body } = answer(request)
        this.requests.push(request)
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body ?? {}))
        for (const wake of this.#waiters) wake()
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Resolves when so many requests were answered. */
  waitFor(count: number): Promise<readonly ServiceRequest[]> {
    return new Promise(resolve => {
      const check = (): void => {
        if (this.requests.length < count) return
        this.#waiters.delete(check)
        resolve(this.requests)
      }
      this.#waiters.add(check)
      check()
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
