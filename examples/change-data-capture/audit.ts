import { createHmac } from 'node:crypto'
import type { Handler } from 'sluice-gateway'
import { changeIn, unavailable, type Row } from './debezium.ts'

/** One line of the audit trail. */
export interface AuditEntry {
  readonly table: string
  /** Columns that identify the row. */
  readonly key: Row
  readonly operation: string
  readonly by: string
  /** RFC 3339; time of the database. */
  readonly at: string
  readonly transaction: number | null
  readonly changes: readonly ColumnChange[]
}

/** `before` is absent in an insert, `after` in a delete. */
export interface ColumnChange {
  readonly column: string
  readonly before?: unknown
  readonly after?: unknown
}

interface Rules {
  readonly keyColumns: readonly string[]
  readonly actorColumn: string
  /** Columns whose changes are no news. */
  readonly ignored: ReadonlySet<string>
  /** `table.column`. */
  readonly masked: ReadonlySet<string>
  readonly maskKey: string
}

/** What a snapshot reads (r) has not changed. */
const operations = new Map([
  ['c', 'insert'],
  ['u', 'update'],
  ['d', 'delete'],
  ['t', 'truncate'],
])

/** Makes an entry of the audit trail from a change of a row: who, what, and each column from what to what. */
const audit: Handler = (event, context) => {
  const change = changeIn(event.data)
  const operation = operations.get(change?.op ?? '')
  if (change === undefined || operation === undefined) return undefined
  const { before, after, source } = change
  const rules = rulesOf(context.env, context.secrets)
  const changes = columnChanges(source.table, before ?? {}, after ?? {}, rules)
  // Only bookkeeping columns differ, or none.
  if (operation === 'update' && changes.length === 0) return undefined

  const row = after ?? before ?? {}
  const entry: AuditEntry = {
    table: source.table,
    key: Object.fromEntries(rules.keyColumns.filter(name => name in row).map(name => [name, row[name]])),
    operation,
    by: String(row[rules.actorColumn] ?? 'unknown'),
    at: new Date(source.ts_ms).toISOString(),
    transaction: source.txId ?? null,
    changes,
  }
  return { type: 'com.example.audit', subject: source.table, data: entry }
}

function columnChanges(table: string, before: Row, after: Row, rules: Rules): ColumnChange[] {
  const changes: ColumnChange[] = []
  for (const column of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const isNews = before[column] !== after[column] && after[column] !== unavailable
    if (!isNews || rules.ignored.has(column) || rules.keyColumns.includes(column)) continue
    const shown = (row: Row): unknown =>
      rules.masked.has(`${table}.${column}`) ? masked(row[column], rules.maskKey) : row[column]
    changes.push({
      column,
      ...(column in before ? { before: shown(before) } : {}),
      ...(column in after ? { after: shown(after) } : {}),
    })
  }
  return changes
}

/** Nobody can read the value, but the same value gives the same mark: one sees when it comes back, or stands elsewhere. */
function masked(value: unknown, key: string): unknown {
  if (value === null || value === undefined) return value
  return `masked:${createHmac('sha256', key).update(JSON.stringify(value)).digest('hex').slice(0, 12)}`
}

type Texts = Readonly<Record<string, string | undefined>>

function rulesOf(env: Texts, secrets: Texts): Rules {
  const list = (text = ''): string[] => text.split(/[\s,]+/).filter(name => name !== '')
  const maskKey = secrets['MASK_KEY']
  if (maskKey === undefined) throw new Error('the secret MASK_KEY is not set')
  const actorColumn = env['ACTOR_COLUMN'] ?? 'updated_by'
  return {
    keyColumns: list(env['KEY_COLUMNS'] ?? 'id'),
    actorColumn,
    ignored: new Set([...list(env['IGNORED']), actorColumn]),
    masked: new Set(list(env['MASKED'])),
    maskKey,
  }
}

export default audit
