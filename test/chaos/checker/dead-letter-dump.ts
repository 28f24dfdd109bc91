import type { DeadLetter, GatewayProcess } from '../../e2e/gateway-process.ts'
import type { EventIdentity } from './history.ts'

const pageSize = 500

/** All dead letters of a trigger, through the API, as the events that they were: identified by their original bytes. */
export async function dumpDeadLetters(gateway: GatewayProcess, trigger: string): Promise<readonly EventIdentity[]> {
  const events: EventIdentity[] = []
  let before: number | null | undefined
  do {
    const page = await gateway.get<{ items: DeadLetter[]; next?: number | null }>(
      `/v1/triggers/${trigger}/dead-letters?limit=${pageSize}${before == null ? '' : `&before=${before}`}`,
    )
    for (const { id, dataBase64 } of page.items) events.push(identityOf(id, dataBase64))
    before = page.next
  } while (before != null)
  return events
}

function identityOf(letter: number, dataBase64: string | null): EventIdentity {
  try {
    const { id, key, seq } = JSON.parse(Buffer.from(dataBase64 ?? '', 'base64').toString()) as {
      id: string
      key: string
      seq: number
    }
    return { id, key, sequence: seq }
  } catch {
    // Bytes that nobody sent: the judge finds no such event.
    return { id: `dead letter ${letter}`, key: '', sequence: 0 }
  }
}
