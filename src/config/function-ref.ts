import { namePattern } from './sections/name.ts'

/** Aliases begin with a letter, so that none can be taken for a version. */
export const aliasPattern = '^[a-z][a-z0-9-]{0,62}$'

/** `price` (its latest), `price@3` (a published version), `price@live` (an alias). */
export const functionRefPattern = `${namePattern.slice(0, -1)}(@(latest|[1-9][0-9]{0,8}|[a-z][a-z0-9-]{0,62}))?$`

/** Which version of a function is meant. */
export type VersionRef =
  | { readonly kind: 'latest' }
  | { readonly kind: 'version'; readonly version: number }
  | { readonly kind: 'alias'; readonly alias: string }

export interface FunctionRef {
  readonly name: string
  readonly version: VersionRef
}

/** Reads a text that matches {@link functionRefPattern}; undefined for any other. */
export function parseFunctionRef(text: string): FunctionRef | undefined {
  if (!new RegExp(functionRefPattern).test(text)) return undefined
  const [name = '', version] = text.split('@')
  return { name, version: parseVersionRef(version ?? 'latest') }
}

/** `latest`, a number, or anything else as an alias. */
export function parseVersionRef(text: string): VersionRef {
  if (text === 'latest') return { kind: 'latest' }
  return /^[1-9][0-9]{0,8}$/.test(text) ? { kind: 'version', version: Number(text) } : { kind: 'alias', alias: text }
}

export function formatFunctionRef({ name, version }: FunctionRef): string {
  return version.kind === 'latest' ? name : `${name}@${formatVersionRef(version)}`
}

export function formatVersionRef(version: VersionRef): string {
  switch (version.kind) {
    case 'latest':
      return 'latest'
    case 'version':
      return String(version.version)
    case 'alias':
      return version.alias
  }
}
