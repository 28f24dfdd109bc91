import type { AliasView, WeightedVersionView } from '../../api/views/alias-view.ts'
import { newestVersion as newestName, type AliasTarget } from '../manifest/manifest-schema.ts'

/** What would be done about one alias. */
export interface AliasPlan {
  readonly function: string
  readonly alias: string
  readonly action: 'create' | 'update' | 'unchanged'
  readonly from: readonly WeightedVersionView[]
  readonly to: readonly WeightedVersionView[]
  /** As it is there: an apply moves weights and nothing else. */
  readonly current: AliasView | undefined
  /** What else a person should know. */
  readonly note: string | undefined
}

/**
 * @param newestVersion what `latest-published` stands for; undefined: nothing is published.
 * @returns a text instead when it cannot be done.
 */
export function planAlias(
  functionName: string,
  alias: string,
  target: AliasTarget,
  newestVersion: number | undefined,
  current: AliasView | undefined,
): AliasPlan | string {
  const to: WeightedVersionView[] = []
  const wanted = typeof target === 'object' ? Object.entries(target) : [[String(target), 100] as const]
  for (const [name, weight] of wanted) {
    if (name === newestName && newestVersion === undefined) {
      return `function ${functionName} has no published version: add publish: true`
    }
    to.push({ version: name === newestName ? (newestVersion ?? 0) : Number(name), weight })
  }
  const from = current?.weights ?? []
  const plan = { function: functionName, alias, from, to, current }
  if (current === undefined) return { ...plan, action: 'create', note: undefined }
  if (sameShares(from, to)) return { ...plan, action: 'unchanged', note: undefined }
  const rollout = current.rollout?.state === 'running' ? current.rollout : undefined
  if (rollout === undefined) return { ...plan, action: 'update', note: undefined }
  // A rollout on the way to what is wanted must not be cut short by applying the same files again.
  if (sameShares([{ version: rollout.to, weight: 100 }], to)) {
    return { ...plan, action: 'unchanged', note: `a rollout to ${rollout.to} is on its way` }
  }
  return { ...plan, action: 'update', note: `this aborts the rollout to ${rollout.to}` }
}

/** Whether two lists of weights send the same events to the same versions. */
export function sameShares(a: readonly WeightedVersionView[], b: readonly WeightedVersionView[]): boolean {
  const shares = (list: readonly WeightedVersionView[]) =>
    list
      .filter(({ weight }) => weight > 0)
      .map(({ version, weight }) => `${version}=${weight}`)
      .sort()
      .join()
  return shares(a) === shares(b)
}

/** `4`, or `3 90 %, 4 10 %`. */
export function formatWeights(weights: readonly WeightedVersionView[]): string {
  const serving = weights.filter(({ weight }) => weight > 0)
  const [only] = serving
  if (serving.length === 1 && only !== undefined) return String(only.version)
  return serving.map(({ version, weight }) => `${version} ${weight} %`).join(', ')
}
