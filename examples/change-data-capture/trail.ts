import type { Handler } from 'sluice-gateway'
import type { AuditEntry } from './audit.ts'

/** An entry of the audit trail as a line for people. */
const trail: Handler<AuditEntry> = event => {
  const { table, key, operation, by, at, changes } = event.data
  const row = Object.values(key).join('/')
  const columns = changes.map(({ column, ...values }) => {
    const [before, after] = [shown(values, 'before'), shown(values, 'after')]
    return `${column} ${[before, after].filter(value => value !== undefined).join(' → ')}`
  })
  const what = `${operation} ${table}${row === '' ? '' : ` ${row}`}`
  const data = `${at} ${by}: ${what}${columns.length === 0 ? '' : `: ${columns.join(', ')}`}`
  return { type: 'com.example.audit.line', subject: table, data }
}

function shown(values: { before?: unknown; after?: unknown }, side: 'before' | 'after'): string | undefined {
  return side in values ? JSON.stringify(values[side]) : undefined
}

export default trail
