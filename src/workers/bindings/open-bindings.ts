import type { ResolvedBinding } from '../../functions/function-version.ts'
import type { WorkerSettings } from '../worker-settings.ts'
import type { Binding, BindingUse, Connection } from './binding.ts'

/** The connections of one worker. */
export interface Bindings {
  /** `context.bindings` of one attempt. */
  for(use: BindingUse): Readonly<Record<string, Binding>>
  /** Begins to connect what can be connected ahead, and waits for nothing. */
  connect(): void
  /** Ends them in an orderly way, as far as there is one. */
  close(): Promise<void>
}

const none: Readonly<Record<string, Binding>> = Object.freeze({})

/**
 * Makes the connections that a function has declared. Nothing is connected yet: a broker that is away must not hold a
 * worker up. Client libraries are loaded only where they are needed, as they take as long as the rest of a worker.
 * @throws {SluiceError} SLUICE_CONFIG_INVALID for a definition that cannot be used.
 */
export async function openBindings({
  bindings,
  network,
}: Pick<WorkerSettings, 'bindings' | 'network'>): Promise<Bindings> {
  const connections: [name: string, connection: Connection][] = []
  for (const [name, definition] of Object.entries(bindings))
    connections.push([name, await connectionOf(name, definition, network)])
  return {
    for: use =>
      connections.length === 0
        ? none
        : Object.freeze(Object.fromEntries(connections.map(([name, connection]) => [name, connection.bind(use)]))),
    connect() {
      for (const [, connection] of connections) void connection.connect().catch(() => {})
    },
    async close() {
      await Promise.all(connections.map(([, connection]) => connection.close().catch(() => {})))
    },
  }
}

/** Whether any of them has a connection that somebody would miss: HTTP has none. */
export function needClosing(bindings: Readonly<Record<string, ResolvedBinding>>): boolean {
  return Object.values(bindings).some(({ type }) => type !== 'http')
}

async function connectionOf(
  name: string,
  definition: ResolvedBinding,
  network: WorkerSettings['network'],
): Promise<Connection> {
  switch (definition.type) {
    case 'http': {
      const { HttpConnection } = await import('./http-binding.ts')
      return new HttpConnection(name, definition, network)
    }
    case 'mqtt': {
      const { MqttConnection } = await import('./mqtt-binding.ts')
      return new MqttConnection(name, definition)
    }
    case 'kafka': {
      const { KafkaConnection } = await import('./kafka-binding.ts')
      return new KafkaConnection(name, definition)
    }
  }
}
