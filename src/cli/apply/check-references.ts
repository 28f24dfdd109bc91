import { didYouMean } from '../../config/did-you-mean.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import type { Manifests } from '../manifest/read-manifests.ts'
import type { AliasPlan } from '../plan/alias-plan.ts'
import type { ApplyPlan } from './apply-plan.ts'
import type { GatewayState } from './gateway-state.ts'

/**
 * Names that would lead nowhere. The gateway refuses them, too, but one by one, when half of it is done.
 * @returns complete texts, each with its place.
 */
export function checkReferences(
  manifests: Manifests,
  plan: Pick<ApplyPlan, 'functions' | 'aliases'>,
  state: GatewayState,
): readonly string[] {
  const problems: string[] = []
  const versionsOf = (name: string): ReadonlySet<number> => {
    const versions = new Set(state.functions.get(name)?.versions.map(({ version }) => version))
    const publishes = plan.functions.find(one => one.plan.name === name)?.plan.publishes
    if (publishes !== undefined) versions.add(publishes.version)
    return versions
  }
  const aliasesOf = (name: string): ReadonlySet<string> =>
    new Set([
      ...(state.functions.get(name)?.aliases.map(alias => alias.name) ?? []),
      ...plan.aliases.filter(alias => alias.function === name).map(({ alias }) => alias),
    ])
  for (const alias of plan.aliases) problems.push(...aliasProblems(alias, manifests, versionsOf(alias.function)))

  for (const [name, { definition }] of manifests.triggers) {
    const report = (field: string, message: string, ...path: readonly (string | number)[]) =>
      problems.push(`${manifests.place('triggers', name, field, ...path)}: triggers.${name}.${field}: ${message}`)
    const { stream, sinks, function: text } = definition
    if (!state.streams.has(stream))
      report('stream', `there is no stream '${stream}'${didYouMean(stream, state.streams)}`)
    for (const [index, sink] of sinks.entries()) {
      if (!state.sinks.has(sink)) report('sinks', `there is no sink '${sink}'${didYouMean(sink, state.sinks)}`, index)
    }
    const ref = parseFunctionRef(text)
    if (ref === undefined) continue
    if (!manifests.functions.has(ref.name) && !state.functions.has(ref.name)) {
      report('function', `there is no function '${ref.name}'${didYouMean(ref.name, manifests.functions.keys())}`)
    } else if (ref.version.kind === 'version' && !versionsOf(ref.name).has(ref.version.version)) {
      report('function', `function ${ref.name} has no version ${ref.version.version}`)
    } else if (ref.version.kind === 'alias' && !aliasesOf(ref.name).has(ref.version.alias)) {
      const hint = didYouMean(ref.version.alias, aliasesOf(ref.name))
      report('function', `function ${ref.name} has no alias '${ref.version.alias}'${hint}`)
    }
  }
  return problems
}

function aliasProblems(plan: AliasPlan, manifests: Manifests, versions: ReadonlySet<number>): readonly string[] {
  const place = manifests.place('functions', plan.function, 'aliases', plan.alias)
  return plan.to
    .filter(({ version }) => !versions.has(version))
    .map(({ version }) => `${place}: functions.${plan.function}.aliases.${plan.alias}: there is no version ${version}`)
}
