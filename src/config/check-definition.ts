import type { BindingConfig } from './sections/binding.ts'
import type { FunctionDefinition } from './sections/function-definition.ts'
import { checkScaling } from './check-scaling.ts'
import { didYouMean } from './did-you-mean.ts'

/** What a gateway offers to functions by name. */
export interface Surroundings {
  readonly secrets: ReadonlyMap<string, unknown>
  readonly bindings: ReadonlyMap<string, BindingConfig>
}

/** What is wrong with one field of a definition. */
export interface DefinitionProblem {
  readonly path: readonly string[]
  readonly message: string
}

/**
 * What one field of a definition says of another, and of what the gateway has: secrets and bindings that are there and
 * that the role allows, bounds that fit. Pure.
 */
export function checkDefinition(
  definition: FunctionDefinition,
  { secrets, bindings }: Surroundings,
): DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const problem = (path: readonly string[], message: string) => void problems.push({ path, message })
  const { role, scaling, limits } = definition
  for (const [name, secret] of Object.entries(definition.secrets)) {
    const path = ['secrets', name]
    if (!secrets.has(secret)) problem(path, unknown('secret', secret, secrets.keys()))
    else if (role?.secrets?.includes(secret) === false) problem(path, `role.secrets does not allow '${secret}'`)
  }
  for (const [name, { use, path: urlPath, topic, key }] of Object.entries(definition.bindings)) {
    const path = ['bindings', name]
    const binding = bindings.get(use)
    if (binding === undefined) problem([...path, 'use'], unknown('binding', use, bindings.keys()))
    else {
      const { type } = binding
      if (role?.bindings?.includes(use) === false) problem([...path, 'use'], `role.bindings does not allow '${use}'`)
      if (urlPath !== undefined && type !== 'http')
        problem([...path, 'path'], `is for http bindings; '${use}' is ${type}`)
      if (topic !== undefined && type === 'http') problem([...path, 'topic'], `is for mqtt and kafka; '${use}' is http`)
      if (key !== undefined && type !== 'kafka') problem([...path, 'key'], `is for kafka bindings; '${use}' is ${type}`)
    }
  }
  if (limits?.burst !== undefined && limits.ratePerSecond === undefined)
    problem(['limits', 'burst'], 'is of no use without ratePerSecond')
  for (const { path, message } of checkScaling(scaling)) problem(['scaling', ...path], message)
  return problems
}

const unknown = (kind: string, name: string, known: Iterable<string>): string => {
  const names = [...known]
  const hint = names.length === 0 ? `; the gateway has no ${kind}s (section \`${kind}s\` of its configuration)` : ''
  return `there is no ${kind} '${name}'${didYouMean(name, names)}${hint}`
}
