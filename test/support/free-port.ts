import { createServer } from 'node:net'

/**
 * Below the range from which Linux and macOS take ports for outgoing connections. A port that `listen(0)` found and
 * gave back can be taken by the next client socket before a slow server (a JVM) binds it, or while it is down between
 * a kill and a restart; these can not.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 32_000

const handedOut = new Set<number>()

/** A loopback TCP port nobody listens on, never the same one twice in this process. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if (handedOut.has(port) || !(await isPortFree(port))) continue
    handedOut.add(port)
    return port
  }
  throw new Error(`no free port found between ${FIRST_PORT} and ${LAST_PORT}`)
}

/** Whether nobody listens on this loopback port. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })
}
