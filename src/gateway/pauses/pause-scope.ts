/** What a pause is of. Triggers are meant by their uid: another trigger of the same name is not paused by it. */
export type PauseScope =
  | { readonly kind: 'trigger'; readonly trigger: string }
  | { readonly kind: 'partition'; readonly trigger: string; readonly partition: number }
  | { readonly kind: 'key'; readonly trigger: string; readonly key: string }
  /** `version` is `latest` or a published number: a deployment is another `latest` and as paused as the one before. */
  | { readonly kind: 'version'; readonly function: string; readonly version: string }
  | { readonly kind: 'source'; readonly source: string }

/** How the store names it. Uids and names have no colon; a key may be anything and so stands last. */
export function formatPauseScope(scope: PauseScope): string {
  switch (scope.kind) {
    case 'trigger':
      return `trigger:${scope.trigger}`
    case 'partition':
      return `partition:${scope.trigger}:${scope.partition}`
    case 'key':
      return `key:${scope.trigger}:${scope.key}`
    case 'version':
      return `version:${scope.function}:${scope.version}`
    case 'source':
      return `source:${scope.source}`
  }
}

/** Undefined for what a later version has written: it is left alone. */
export function parsePauseScope(text: string): PauseScope | undefined {
  const [kind, first = '', ...more] = text.split(':')
  const rest = more.join(':')
  switch (kind) {
    case 'trigger':
      return { kind, trigger: first }
    case 'partition':
      return { kind, trigger: first, partition: Number(rest) }
    case 'key':
      return { kind, trigger: first, key: rest }
    case 'version':
      return { kind, function: first, version: rest }
    case 'source':
      return { kind, source: first }
    default:
      return undefined
  }
}
