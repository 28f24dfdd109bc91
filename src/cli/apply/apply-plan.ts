import type { FunctionSummary } from '../../api/views/function-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { Bundle } from '../bundle/bundle-function.ts'
import type { Manifests, WantedFunction } from '../manifest/read-manifests.ts'
import { planAlias, type AliasPlan } from '../plan/alias-plan.ts'
import { planFunction, withManagedBy, type FunctionPlan } from '../plan/function-plan.ts'
import { planTrigger, type TriggerPlan } from '../plan/trigger-plan.ts'
import { checkReferences } from './check-references.ts'
import { markOf, type GatewayState } from './gateway-state.ts'

/** Everything that an apply would do, in the order in which it does it. */
export interface ApplyPlan {
  readonly functions: readonly PlannedFunction[]
  readonly aliases: readonly AliasPlan[]
  readonly triggers: readonly TriggerPlan[]
  /** Triggers go before the functions that they run. */
  readonly deletedTriggers: readonly TriggerView[]
  readonly deletedFunctions: readonly FunctionSummary[]
  /** What cannot be done, each with its place in the files. Then nothing is. */
  readonly problems: readonly string[]
}

export interface PlannedFunction {
  readonly plan: FunctionPlan
  readonly wanted: WantedFunction
  readonly bundle: Bundle
}

/**
 * Compares what the files want with what is there. Pure.
 * @param prune whether what an earlier apply of the same manifests made, and no file has any more, goes: functions with
 *   their mark, and the triggers of such functions. Triggers have no labels; they belong to who owns their function.
 */
export function planApply(
  manifests: Manifests,
  bundles: ReadonlyMap<string, Bundle>,
  state: GatewayState,
  prune: boolean,
): ApplyPlan {
  const problems: string[] = []
  const functions: PlannedFunction[] = []
  const aliases: AliasPlan[] = []
  for (const wanted of manifests.functions.values()) {
    const { name, manifest } = wanted
    const bundle = bundles.get(name)
    if (bundle === undefined) continue
    const current = state.functions.get(name)
    if (current?.managedBy === 'config') {
      const place = manifests.place('functions', name)
      problems.push(`${place}: function ${name} is managed by the configuration file of the gateway: take another name`)
      continue
    }
    const definition = withManagedBy(wanted.definition, markOf(manifest))
    const plan = planFunction(name, { definition, publish: wanted.publish !== undefined }, bundle, current)
    functions.push({ plan, wanted, bundle })
    for (const [alias, target] of wanted.aliases) {
      const currentAlias = current?.aliases.find(one => one.name === alias)
      const planned = planAlias(name, alias, target, plan.newestVersion, currentAlias)
      if (typeof planned === 'string')
        problems.push(`${manifests.place('functions', name, 'aliases', alias)}: ${planned}`)
      else aliases.push(planned)
    }
  }
  const triggers: TriggerPlan[] = []
  for (const { name, definition } of manifests.triggers.values()) {
    const current = state.triggers.get(name)
    if (current !== undefined && current.managedBy !== 'api') {
      const place = manifests.place('triggers', name)
      problems.push(
        `${place}: trigger ${name} is managed by the ${current.managedBy === 'config' ? 'configuration file of the gateway' : 'gateway'}: take another name`,
      )
      continue
    }
    const planned = planTrigger(name, definition, current)
    if (typeof planned === 'string') problems.push(`${manifests.place('triggers', name)}: ${planned}`)
    else triggers.push(planned)
  }
  problems.push(...checkReferences(manifests, { functions, aliases }, state))
  return {
    functions,
    aliases,
    triggers,
    problems,
    ...(prune ? deletions(manifests, state) : { deletedTriggers: [], deletedFunctions: [] }),
  }
}

function deletions(manifests: Manifests, state: GatewayState): Pick<ApplyPlan, 'deletedFunctions' | 'deletedTriggers'> {
  const owned = new Set(state.managed.map(({ name }) => name))
  return {
    deletedFunctions: state.managed.filter(
      ({ name, managedBy }) => managedBy === 'api' && !manifests.functions.has(name),
    ),
    deletedTriggers: [...state.triggers.values()].filter(
      trigger =>
        owned.has(trigger.function) &&
        trigger.managedBy === 'api' &&
        trigger.expiresAtMs === null &&
        !manifests.triggers.has(trigger.name),
    ),
  }
}

/** Whether anything would change. */
export const hasChanges = (plan: ApplyPlan): boolean =>
  plan.functions.some(one => isChange(one.plan)) ||
  [...plan.aliases, ...plan.triggers].some(({ action }) => action !== 'unchanged') ||
  plan.deletedFunctions.length + plan.deletedTriggers.length > 0

/** A function that stays as it is may still be published. */
export const isChange = ({ action, publishes }: FunctionPlan): boolean =>
  action !== 'unchanged' || publishes?.isNew === true
