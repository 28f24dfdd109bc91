import { createServer, type Server, type Socket } from 'node:net'
import type { MqttBrokerConfig } from '../../config/sections/mqtt-broker.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { PacketSizeGuard } from './packet-size-guard.ts'
import type { MqttReport } from './report.ts'

export interface ListenerHandlers {
  client(socket: Socket): void
  /** A connection was refused or cut off: `connections`, `packet-size`. */
  dropped(reason: string): void
  readonly report: MqttReport
}

const tcpKeepAliveMs = 60_000

/**
 * Opens the TCP listener of the embedded broker.
 * @throws {SluiceError} SLUICE_MQTT_PORT_IN_USE, SLUICE_MQTT_BROKER.
 */
export async function listenForClients(config: MqttBrokerConfig, handlers: ListenerHandlers): Promise<Server> {
  const { host, port } = config
  const server = createServer(socket => {
    socket.setNoDelay(true)
    // Finds clients that vanished without a word, whatever keep-alive they asked for.
    socket.setKeepAlive(true, tcpKeepAliveMs)
    guardPacketSize(socket, config.maxPacketBytes, problem => {
      handlers.dropped('packet-size')
      handlers.report('warn', `MQTT client disconnected: ${problem}`, { address: socket.remoteAddress })
    })
    handlers.client(socket)
  })
  server.maxConnections = config.maxClients
  server.on('drop', () => handlers.dropped('connections'))
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port))
    server.once('error', failed)
    server.listen({ host, port }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  server.on('error', error => handlers.report('error', `the MQTT listener failed: ${error.message}`, {}))
  return server
}

/** aedes reads by `read()`; whoever announces too much is cut off before the parser collects it. */
function guardPacketSize(socket: Socket, maxPacketBytes: number, tooLarge: (problem: string) => void): void {
  const guard = new PacketSizeGuard(maxPacketBytes)
  const read = socket.read.bind(socket)
  socket.read = (size?: number): Buffer | null => {
    const chunk = read(size) as Buffer | null
    const problem = chunk === null ? undefined : guard.scan(chunk)
    if (problem === undefined) return chunk
    tooLarge(problem)
    socket.destroy()
    return null
  }
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): SluiceError {
  if (error.code === 'EADDRINUSE') {
    const message = `the MQTT port ${port} on ${host} is in use; stop what listens there or choose another mqtt.port`
    return new SluiceError('SLUICE_MQTT_PORT_IN_USE', message, { cause: error })
  }
  return new SluiceError('SLUICE_MQTT_BROKER', `MQTT cannot listen on ${host}:${port}: ${error.message}`, {
    cause: error,
  })
}
