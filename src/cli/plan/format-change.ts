import type { Colors } from '../colors.ts'
import { formatBytes } from '../format-quantity.ts'
import { displayWidth, padEnd, plainText, truncate } from '../terminal-text.ts'
import type { FieldChange } from './field-changes.ts'
import type { CodeChange, FunctionPlan } from './function-plan.ts'

export type Action = 'create' | 'update' | 'unchanged' | 'delete'

/** `+ function price`, in the colour of the action. */
export function formatAction(action: Action, what: string, colors: Colors): string {
  switch (action) {
    case 'create':
      return colors.green(`+ ${what}`)
    case 'update':
      return colors.yellow(`~ ${what}`)
    case 'delete':
      return colors.red(`- ${what}`)
    case 'unchanged':
      return colors.dim(`= ${what}`)
  }
}

/** What changes about a function: its line, its fields below it, its publication. */
export function formatFunctionPlan(plan: FunctionPlan, colors: Colors): readonly string[] {
  const code = plan.code === undefined ? [] : [['code', formatCode(plan.code, colors)] as const]
  const fields = plan.fields.map(({ path, from, to }) =>
    plan.action === 'create'
      ? ([path, colors.green(formatValue(to))] as const)
      : ([path, formatMove(formatValue(from), formatValue(to), colors)] as const),
  )
  const publishes =
    plan.publishes?.isNew === true ? [['version', `${plan.publishes.version} is published`] as const] : []
  const lines = [...code, ...fields, ...publishes]
  const isQuiet = plan.action === 'unchanged' && publishes.length > 0
  return [formatAction(isQuiet ? 'update' : plan.action, `function ${plan.name}`, colors), ...formatIndented(lines)]
}

/** Old → new of each field. */
export const formatFieldChanges = (fields: readonly FieldChange[], colors: Colors): readonly string[] =>
  formatIndented(fields.map(({ path, from, to }) => [path, formatMove(formatValue(from), formatValue(to), colors)]))

function formatIndented(lines: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(0, ...lines.map(([name]) => displayWidth(name)))
  return lines.map(([name, text]) => `    ${padEnd(plainText(name), width)}  ${text}`)
}

function formatCode({ from, to }: CodeChange, colors: Colors): string {
  if (from === undefined) return colors.green(`${shortHash(to.hash)}  ${formatBytes(to.bytes)}`)
  const sizes = `(${formatBytes(from.bytes)} → ${formatBytes(to.bytes)})`
  return `${formatMove(shortHash(from.hash), shortHash(to.hash), colors)}  ${sizes}`
}

export const formatMove = (from: string, to: string, colors: Colors): string =>
  `${colors.red(from)} → ${colors.green(to)}`

/** Enough to tell two of one function apart. */
export const shortHash = (hash: string): string => hash.slice(0, 12)

function formatValue(value: unknown): string {
  if (value === undefined) return '(none)'
  // As JSON where the text itself would mislead.
  const isPlain = typeof value === 'string' && value !== '' && value.trim() === value && plainText(value) === value
  return truncate(plainText(isPlain ? value : JSON.stringify(value)), 72)
}
