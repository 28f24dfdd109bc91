import type { SQLInputValue } from 'node:sqlite'
import type { DeadLetterFilter, DeadLetterPage } from './dead-letters.ts'

export interface Where {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

/** What matches a filter, as conditions on the columns of `letters`. Pure. */
export function matching(filter: DeadLetterFilter): readonly Where[] {
  const conditions: Where[] = []
  const where = (sql: string, ...values: SQLInputValue[]): void => void conditions.push({ sql, values })
  const { ids, fromMs, toMs, key, eventId, stage, reason, version, text } = filter
  if (ids !== undefined) where('id IN (SELECT value FROM json_each(?))', JSON.stringify(ids))
  if (eventId !== undefined) where('event_id = ?', eventId)
  if (key !== undefined) where('key = ?', key)
  // Few letters have one id, event or key: the sign keeps the planner from an index that finds a quarter of all.
  const by = ids ?? eventId ?? key
  const sign = by === undefined ? '' : '+'
  if (fromMs !== undefined) where(`${sign}created_at >= ?`, fromMs)
  if (toMs !== undefined) where(`${sign}created_at < ?`, toMs)
  if (stage !== undefined) where('stage = ?', stage)
  if (reason !== undefined) where(`${sign}reason = ?`, reason)
  if (filter.function !== undefined) where(`${sign}function = ?`, filter.function)
  if (version !== undefined) where('version = ?', version)
  // `lower` knows the letters of ASCII only; a function of our own would be called for every letter.
  if (text !== undefined && text !== '') where('instr(lower(message), lower(?)) > 0', text)
  return conditions
}

/** One condition of many. */
export function every(conditions: readonly Where[]): Where {
  return {
    sql: conditions.length === 0 ? '1' : conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  }
}

/** The statement that finds the ids of one page, in its order. */
export function selectPage(trigger: string, limit: number, page: DeadLetterPage): Where {
  const { filter = {}, beforeId, afterId, upToId } = page
  const conditions: Where[] = [{ sql: 'trigger = ?', values: [trigger] }, ...matching(filter)]
  if (beforeId !== undefined) conditions.push({ sql: 'id < ?', values: [beforeId] })
  if (afterId !== undefined) conditions.push({ sql: 'id > ?', values: [afterId] })
  if (upToId !== undefined) conditions.push({ sql: 'id <= ?', values: [upToId] })
  const { sql, values } = every(conditions)
  const direction = afterId === undefined ? 'DESC' : 'ASC'
  return { sql: `SELECT id FROM letters WHERE ${sql} ORDER BY id ${direction} LIMIT ?`, values: [...values, limit] }
}

/**
 * The statement that looks at a bounded number of letters of a range and finds those that match, oldest first: what the
 * thread that writes may spend on a search without holding up events.
 * @param more conditions beside the filter.
 * @param most letters that are found at most.
 */
export function selectInRange(
  trigger: string,
  filter: DeadLetterFilter,
  more: readonly Where[],
  range: { readonly afterId: number; readonly upToId: number },
  scan: number,
  most: number,
): Where {
  const { sql, values } = every([...matching(filter), ...more])
  return {
    sql: `WITH scanned AS MATERIALIZED (
        SELECT * FROM letters WHERE trigger = ? AND id > ? AND id <= ? ORDER BY id LIMIT ?
      ) SELECT id, bytes FROM scanned WHERE ${sql} ORDER BY id LIMIT ?`,
    values: [trigger, range.afterId, range.upToId, scan, ...values, most],
  }
}
