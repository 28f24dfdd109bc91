import { idOf, type Kind } from './workload.ts'

/** A dead letter as far as the demo looks at it. */
export interface DeadLetter {
  /** Id of the event in its body; undefined when the body is of another kind. */
  readonly id: string | undefined
  readonly attempts: number
  readonly message: string
}

export interface TriggerProgress {
  readonly name: string
  /** null: not known now, which never means zero. */
  readonly lag: number | null
  readonly inFlight: number
  readonly deadLetters: number
}

const pageSize = 500

/** State of all triggers; undefined while the gateway does not answer. */
export async function readTriggers(url: string): Promise<readonly TriggerProgress[] | undefined> {
  try {
    return (await get<{ items: TriggerProgress[] }>(`${url}/v1/triggers`)).items
  } catch {
    return undefined
  }
}

/** Whether everything runs that has to; after a start Kafka takes a moment to give out its partitions. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(10_000) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

/** All dead letters of a trigger. The trigger of a kind of events bears its name. */
export async function readDeadLetters(url: string, kind: Kind): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = []
  let before: number | null = null
  do {
    const more: string = before === null ? '' : `&before=${before}`
    const page: Page = await get<Page>(`${url}/v1/triggers/${kind}/dead-letters?limit=${pageSize}${more}`)
    for (const { dataBase64, failures, message } of page.items) {
      letters.push({ id: parsedId(kind, dataBase64), attempts: failures.length, message })
    }
    before = page.next
  } while (before !== null)
  return letters
}

interface Page {
  readonly items: readonly { dataBase64: string | null; failures: readonly unknown[]; message: string }[]
  readonly next: number | null
}

function parsedId(kind: Kind, dataBase64: string | null): string | undefined {
  try {
    return idOf(kind, JSON.parse(Buffer.from(dataBase64 ?? '', 'base64').toString()))
  } catch {
    return undefined
  }
}

async function get<View>(url: string): Promise<View> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  if (!response.ok) throw new Error(`GET ${url} was answered with ${response.status}: ${await response.text()}`)
  return (await response.json()) as View
}
