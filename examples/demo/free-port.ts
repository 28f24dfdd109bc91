import { createServer } from 'node:net'

/**
 * Below the range from which Linux and macOS take the ports of outgoing connections: one of those could be taken by a
 * sender that tries to reconnect just while the gateway is down between a kill and its restart.
 */
const firstPort = 20_000
const lastPort = 32_000

/** A TCP port of this machine that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
    if (await isFree(port)) return port
  }
  throw new Error(`found no free port between ${firstPort} and ${lastPort}`)
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
