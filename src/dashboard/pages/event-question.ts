/** What somebody typed to find events, as a question to the API. */
export interface EventQuestion {
  readonly query: Readonly<Record<string, string>>
  /** What is looked for, in words. */
  readonly words: string
  /** Whole stories are wanted, not a list. */
  readonly isOne: boolean
}

const traceId = /^(?:00-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i
const position = /^([a-z][a-z0-9._-]*)[/:](\d{1,6})[/:](\d{1,16})$/i

/** A trace id or traceparent, `stream/partition/offset`, `key:<key>`, `failed`, or else the id of an event. Pure. */
export function questionOf(text: string): EventQuestion {
  const typed = text.trim()
  if (typed === '') return { query: { limit: '50' }, words: 'The newest events:', isOne: false }
  if (typed === 'failed')
    return { query: { failed: 'true', limit: '50' }, words: 'The newest events that failed:', isOne: false }
  const trace = traceId.exec(typed)?.[1]
  if (trace !== undefined)
    return { query: { trace: trace.toLowerCase() }, words: `Events of trace ${trace.toLowerCase()}:`, isOne: true }
  const [, stream, partition, offset] = position.exec(typed) ?? []
  if (stream !== undefined && partition !== undefined && offset !== undefined) {
    const words = `The event of stream ${stream}, partition ${partition}, offset ${offset}:`
    return { query: { stream, partition, offset, data: 'true' }, words, isOne: true }
  }
  const key = /^key[:=](.+)$/s.exec(typed)?.[1]?.trim()
  if (key !== undefined && key !== '')
    return { query: { key, limit: '50' }, words: `Events with the key ${key}:`, isOne: false }
  return { query: { id: typed, data: 'true' }, words: `The event with the id ${typed}:`, isOne: true }
}
