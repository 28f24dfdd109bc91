import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { deadLetterReads } from './dead-letter-tables.ts'

/** A call from store-reader.ts; `id` comes back in the reply. */
export interface ReadCall {
  readonly id: number
  readonly operation: keyof ReturnType<typeof deadLetterReads>
  readonly args: readonly unknown[]
}

export interface ReadReply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** Reads beside the thread that writes: what it sees is the last state that is durable. */
function serve(port: NonNullable<typeof parentPort>): void {
  const database = new DatabaseSync((workerData as { file: string }).file, { readOnly: true, timeout: 2_000 })
  const prepared = new Map<string, StatementSync>()
  const reads = deadLetterReads(database, text => {
    let statement = prepared.get(text)
    if (statement === undefined) prepared.set(text, (statement = database.prepare(text)))
    return statement
  }) as unknown as Record<string, (...args: unknown[]) => unknown>
  port.on('message', (call: ReadCall | 'close') => {
    if (call === 'close') {
      database.close()
      port.close()
      return
    }
    const { id, operation, args } = call
    let reply: ReadReply
    try {
      reply = { id, value: reads[operation]?.(...args) }
    } catch (error) {
      reply = { id, error: String(error) }
    }
    port.postMessage(reply)
  })
}

if (parentPort !== null) serve(parentPort)
