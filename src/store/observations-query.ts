import type { SQLInputValue } from 'node:sqlite'
import { logLevels, type LogQuery } from './observations.ts'

export interface Select {
  readonly sql: string
  readonly values: readonly SQLInputValue[]
}

const columns = 'id, at, function, version, kind, level, message, fields, invocation, trigger, trace'
const maxLimit = 1_000

/** The statement for a query of lines. `fold(text)` is the function that the database has for the lower case of all letters. */
export function selectLines(query: LogQuery): Select {
  const conditions: string[] = []
  const values: SQLInputValue[] = []
  const where = (condition: string, ...given: SQLInputValue[]): void => {
    conditions.push(condition)
    values.push(...given)
  }
  const { invocationId, traceId, level, fromMs, toMs, text, beforeId, afterId } = query
  if (invocationId !== undefined) where('invocation = ?', invocationId)
  if (traceId !== undefined) where('trace = ?', traceId)
  // The few lines of an invocation or a trace are found by its index alone; the sign keeps the planner from the other one.
  const isNarrow = invocationId !== undefined || traceId !== undefined
  if (query.function !== undefined) where(`${isNarrow ? '+' : ''}function = ?`, query.function)
  if (query.version !== undefined) where('version = ?', query.version)
  if (level !== undefined && level !== 'trace') where('level >= ?', logLevels.indexOf(level))
  if (fromMs !== undefined) where('at >= ?', fromMs)
  if (toMs !== undefined) where('at < ?', toMs)
  if (text !== undefined && text !== '') where(...containing(text))
  if (beforeId !== undefined) where('id < ?', beforeId)
  if (afterId !== undefined) where('id > ?', afterId)
  const condition = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const direction = afterId === undefined ? 'DESC' : 'ASC'
  const limit = Math.max(1, Math.min(query.limit, maxLimit))
  return {
    sql: `SELECT ${columns} FROM lines${condition} ORDER BY id ${direction} LIMIT ?`,
    values: [...values, limit],
  }
}

/** `lower` knows the letters of ASCII only, but is twice as fast as a function of our own. */
function containing(text: string): [string, string, string] {
  const folded = text.toLowerCase()
  const fold = /^[\x20-\x7e]*$/.test(text) ? 'lower' : 'fold'
  return [`(instr(${fold}(message), ?) > 0 OR instr(${fold}(fields), ?) > 0)`, folded, folded]
}
