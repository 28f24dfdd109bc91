import { Agent, request } from 'node:http'

export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  /** It was cut off after its first bytes, because it would never have ended. */
  readonly isStream: boolean
}

export interface RawRequest {
  readonly method: string
  /** Path and query as they go over the wire: `fetch` would make `/v1/..` of them what it thinks is meant. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/** Sends requests to one server as they are. */
export class RawClient {
  readonly #url: URL
  readonly #timeoutMs: number
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })

  constructor(baseUrl: string, timeoutMs: number) {
    this.#url = new URL(baseUrl)
    this.#timeoutMs = timeoutMs
  }

  async send(wanted: RawRequest): Promise<RawAnswer> {
    try {
      return await this.#send(wanted)
    } catch (error) {
      // The server may close a connection that is kept alive just when it is used again.
      if ((error as { reusedSocket?: boolean }).reusedSocket !== true) throw error
      return this.#send(wanted)
    }
  }

  #send({ method, target, headers, body }: RawRequest): Promise<RawAnswer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#url
      const sent = request({
        agent: this.#agent,
        hostname,
        port,
        method,
        path: target,
        headers: { ...headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
        signal: AbortSignal.timeout(this.#timeoutMs),
      })
      sent.on('error', error => reject(Object.assign(error, { reusedSocket: sent.reusedSocket })))
      sent.on('response', response => {
        const { statusCode: status = 0 } = response
        const isStream = ['application/x-ndjson', 'text/event-stream'].includes(response.headers['content-type'] ?? '')
        const chunks: Buffer[] = []
        const done = () => resolve({ status, headers: response.headers, body: Buffer.concat(chunks), isStream })
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          if (!isStream) return
          done()
          response.destroy()
        })
        response.on('end', done)
        response.on('error', reject)
      })
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
