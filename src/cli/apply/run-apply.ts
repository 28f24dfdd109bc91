import { parseFunctionRef } from '../../config/function-ref.ts'
import { messageOf } from '../../errors/sluice-error.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { preconditionOf, putAlias, putFunction, putTrigger } from '../plan/carry-out.ts'
import type { FieldChange } from '../plan/field-changes.ts'
import { isChange, type ApplyPlan } from './apply-plan.ts'

/** One change and what became of it. */
export interface ApplyChange {
  readonly kind: 'function' | 'alias' | 'trigger'
  /** price, price@live, price-orders. */
  readonly name: string
  readonly action: 'create' | 'update' | 'delete'
  readonly fields?: readonly FieldChange[]
  /** skipped: what it needs failed. */
  readonly result: 'pending' | 'done' | 'failed' | 'skipped'
  /** In words: what was done, or why not. */
  readonly detail: string
}

type Step = Omit<ApplyChange, 'result' | 'detail'> & {
  /** Name of the function without which it makes no sense. */
  readonly needs: string
  /** Resolves with what is to be said beyond the action. */
  readonly run: (client: ApiClient) => Promise<string>
}

/** The changes of a plan, none of which is made. */
export const pendingChanges = (plan: ApplyPlan): readonly ApplyChange[] =>
  stepsOf(plan).map(step => changeOf(step, 'pending', ''))

/**
 * Makes the changes of a plan one after the other: functions, aliases, triggers, then what goes. One that fails does not
 * stop the others, but what needs it, and all deletions.
 */
export async function runApply(
  client: ApiClient,
  plan: ApplyPlan,
  onChange: (change: ApplyChange) => void,
  around: (doing: string, work: Promise<string>) => Promise<string>,
): Promise<readonly ApplyChange[]> {
  const changes: ApplyChange[] = []
  const failed = new Set<string>()
  const tell = (change: ApplyChange): void => {
    changes.push(change)
    onChange(change)
  }
  for (const step of stepsOf(plan)) {
    if (step.action === 'delete' && changes.some(({ result }) => result === 'failed')) {
      tell(changeOf(step, 'skipped', 'nothing is deleted after a failure'))
      continue
    }
    if (failed.has(step.needs)) {
      tell(changeOf(step, 'skipped', `function ${step.needs} failed`))
      continue
    }
    try {
      tell(changeOf(step, 'done', await around(`${step.action} ${step.kind} ${step.name}`, step.run(client))))
    } catch (error) {
      if (step.kind === 'function') failed.add(step.name)
      tell(changeOf(step, 'failed', messageOf(error)))
    }
  }
  return changes
}

const changeOf = (
  { kind, name, action, fields }: Step,
  result: ApplyChange['result'],
  detail: string,
): ApplyChange => ({ kind, name, action, ...(fields === undefined ? {} : { fields }), result, detail })

function stepsOf(plan: ApplyPlan): readonly Step[] {
  const steps: Step[] = []
  for (const one of plan.functions) {
    if (!isChange(one.plan)) continue
    const { name, action, fields } = one.plan
    steps.push({
      kind: 'function',
      name,
      action: action === 'unchanged' ? 'update' : action,
      fields,
      needs: name,
      run: async client => {
        const { published } = await putFunction(client, one.plan, one.bundle, one.wanted.publish)
        return published === undefined ? '' : `published ${name}@${published.version}`
      },
    })
  }
  for (const alias of plan.aliases) {
    if (alias.action === 'unchanged') continue
    steps.push({
      kind: 'alias',
      name: `${alias.function}@${alias.alias}`,
      action: alias.action,
      needs: alias.function,
      run: async client => `→ ${formatWeights((await putAlias(client, alias)).weights)}`,
    })
  }
  for (const trigger of plan.triggers) {
    if (trigger.action === 'unchanged') continue
    const { name, action, fields, definition } = trigger
    steps.push({
      kind: 'trigger',
      name,
      action,
      fields,
      needs: parseFunctionRef(definition.function)?.name ?? '',
      run: async client => {
        const view = await putTrigger(client, trigger)
        return `${view.stream} → ${view.functionRef}`
      },
    })
  }
  return [...steps, ...deletionSteps(plan)]
}

function deletionSteps({ deletedTriggers, deletedFunctions }: ApplyPlan): readonly Step[] {
  const triggers = deletedTriggers.map(({ name, function: needs, revision }): Step => ({
    kind: 'trigger',
    name,
    action: 'delete',
    needs,
    run: async client => {
      await client.json('DELETE', apiPath('triggers', name), { headers: preconditionOf(revision) })
      return ''
    },
  }))
  const functions = deletedFunctions.map(({ name, revision }): Step => ({
    kind: 'function',
    name,
    action: 'delete',
    needs: name,
    run: async client => {
      // Its aliases need it, and go with it; its triggers are gone.
      await client.json('DELETE', apiPath('functions', name), {
        headers: preconditionOf(revision),
        query: { force: true },
      })
      return ''
    },
  }))
  return [...triggers, ...functions]
}
