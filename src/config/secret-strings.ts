import type { Config } from './config.ts'

type Sections = Pick<Config, 'kafka' | 'mqtt' | 'api' | 'sources' | 'sinks' | 'bindings'>

/** Fields whose value is nobody's business, wherever in the configuration they stand. */
const secretField = /^(?:password|passphrase|token|secrets?|authorization|cookie|(?:x-)?api-?key|x-auth-token)$/i

/**
 * Every secret that stands in a configuration itself: passwords, tokens, secrets of signatures, headers that authorize. Those
 * of the section `secrets` may be files, see functions/secret-values.ts; functions only name them.
 */
export function secretStrings({ kafka, mqtt, api, sources, sinks, bindings }: Sections): readonly string[] {
  const found = new Set<string>()
  const visit = (value: unknown, isSecret: boolean): void => {
    if (typeof value === 'string') {
      if (isSecret) found.add(value)
    } else if (value instanceof Map) for (const [name, each] of value) visit(each, isSecret || isSecretName(name))
    else if (Array.isArray(value)) for (const each of value) visit(each, isSecret)
    else if (typeof value === 'object' && value !== null)
      // Where a secret is a file, its path is none.
      for (const [name, each] of Object.entries(value)) visit(each, name !== 'file' && (isSecret || isSecretName(name)))
  }
  for (const section of [kafka, mqtt, api, sources, sinks, bindings]) visit(section, false)
  return [...found]
}

function isSecretName(name: unknown): boolean {
  return typeof name === 'string' && secretField.test(name)
}
