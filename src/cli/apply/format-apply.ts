import type { Colors } from '../colors.ts'
import { formatWeights, type AliasPlan } from '../plan/alias-plan.ts'
import { formatAction, formatFieldChanges, formatFunctionPlan, formatMove } from '../plan/format-change.ts'
import { isChange, type ApplyPlan } from './apply-plan.ts'

/** The whole plan, line by line, and its sum. */
export function formatApplyPlan(plan: ApplyPlan, colors: Colors): string {
  const lines = plan.functions.flatMap(one => formatFunctionPlan(one.plan, colors))
  for (const alias of plan.aliases) lines.push(formatAliasPlan(alias, colors))
  for (const { name, action, fields, definition } of plan.triggers) {
    const what =
      action === 'create' ? `trigger ${name}  ${definition.stream} → ${definition.function}` : `trigger ${name}`
    lines.push(formatAction(action, what, colors), ...formatFieldChanges(fields, colors))
  }
  for (const { name, functionRef } of plan.deletedTriggers) {
    lines.push(formatAction('delete', `trigger ${name}  (runs ${functionRef}, and stands in no file)`, colors))
  }
  for (const { name } of plan.deletedFunctions) {
    lines.push(formatAction('delete', `function ${name}  (an earlier apply made it, and it stands in no file)`, colors))
  }
  return `${lines.join('\n')}\n\n${formatSum(plan)}\n`
}

function formatAliasPlan({ function: name, alias, action, from, to, note }: AliasPlan, colors: Colors): string {
  const where =
    action === 'unchanged'
      ? formatWeights(from)
      : action === 'create'
        ? colors.green(formatWeights(to))
        : formatMove(formatWeights(from), formatWeights(to), colors)
  return `${formatAction(action, `alias ${name}@${alias}`, colors)}  ${where}${note === undefined ? '' : `  (${note})`}`
}

function formatSum(plan: ApplyPlan): string {
  const actions = [
    ...plan.functions.map(one => (one.plan.action === 'unchanged' && isChange(one.plan) ? 'update' : one.plan.action)),
    ...plan.aliases.map(({ action }) => action),
    ...plan.triggers.map(({ action }) => action),
  ]
  const count = (wanted: string) => actions.filter(action => action === wanted).length
  const deleted = plan.deletedFunctions.length + plan.deletedTriggers.length
  return `${count('create')} to create, ${count('update')} to change, ${deleted} to delete, ${count('unchanged')} unchanged`
}
