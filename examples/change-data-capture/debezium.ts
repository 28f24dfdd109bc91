/** A row, by column. */
export type Row = Readonly<Record<string, unknown>>

/** A change event of Debezium: the envelope of its relational connectors. */
export interface Change {
  /** c: insert, u: update, d: delete, t: truncate, r: read by a snapshot. */
  readonly op: string
  readonly before?: Row | null
  readonly after?: Row | null
  readonly source: {
    readonly db: string
    readonly schema?: string
    readonly table: string
    /** Time of the change in the database. */
    readonly ts_ms: number
    readonly txId?: number | null
    readonly lsn?: number | null
  }
}

/** What stands for a large value that the update did not touch, and the database did not tell. */
export const unavailable = '__debezium_unavailable_value'

/** The change of a message; undefined for heartbeats and tombstones. With `schemas.enable` it lies in a `payload`. */
export function changeIn(message: unknown): Change | undefined {
  if (typeof message !== 'object' || message === null) return undefined
  const change: unknown = 'payload' in message ? message.payload : message
  return typeof change === 'object' && change !== null && 'op' in change ? (change as Change) : undefined
}
