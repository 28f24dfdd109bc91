import type { AliasView } from '../../api/views/alias-view.ts'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { VersionView } from '../../api/views/version-view.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import type { Bundle } from '../bundle/bundle-function.ts'
import type { AliasPlan } from './alias-plan.ts'
import type { FunctionPlan } from './function-plan.ts'
import type { TriggerPlan } from './trigger-plan.ts'

/*
 * Plans, carried out. Each change is sent with the revision that its plan was made for: what somebody changed in between
 * is refused (412) and not overwritten.
 */

/** A publication, as it is asked for. */
export interface Publication {
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
}

/** The gateway loads the code in a worker before it takes it. */
const uploadTimeoutMs = 300_000

/** Creates or updates a function, and publishes it in the same step. */
export async function putFunction(
  client: ApiClient,
  plan: FunctionPlan,
  bundle: Bundle,
  publish: Publication | undefined,
): Promise<{ readonly published: VersionView | undefined }> {
  if (plan.action === 'unchanged') {
    if (publish === undefined) return { published: undefined }
    const path = apiPath('functions', plan.name, 'versions')
    const headers = preconditionOf(plan.revision)
    return { published: await client.json<VersionView>('POST', path, { headers, body: publish }) }
  }
  const view = await client.json<FunctionView>('PUT', apiPath('functions', plan.name), {
    headers: preconditionOf(plan.revision),
    timeoutMs: uploadTimeoutMs,
    body: {
      definition: plan.definition,
      ...(plan.code === undefined ? {} : { code: codeBody(bundle) }),
      ...(publish === undefined ? {} : { publish }),
    },
  })
  return { published: view.published }
}

/** Moves an alias; its description and shadow stay. */
export function putAlias(client: ApiClient, plan: AliasPlan): Promise<AliasView> {
  const { function: functionName, alias, to, current } = plan
  return client.json<AliasView>('PUT', apiPath('functions', functionName, 'aliases', alias), {
    headers: preconditionOf(current?.revision),
    body: aliasBody(to, current),
  })
}

/** What an alias shall be, with what it keeps of what it is. */
export const aliasBody = (
  weights: AliasPlan['to'],
  current: Pick<AliasView, 'description' | 'shadow'> | undefined,
): object => ({
  weights,
  ...(current === undefined || current.description === '' ? {} : { description: current.description }),
  ...(current === undefined || current.shadow === null ? {} : { shadow: current.shadow }),
})

export function putTrigger(client: ApiClient, plan: TriggerPlan): Promise<TriggerView> {
  return client.json<TriggerView>('PUT', apiPath('triggers', plan.name), {
    headers: preconditionOf(plan.revision),
    body: plan.definition,
  })
}

/** `if-match` for what is there, `if-none-match` for what is not. */
export const preconditionOf = (revision: number | undefined): Readonly<Record<string, string>> =>
  revision === undefined ? { 'if-none-match': '*' } : { 'if-match': `"${revision}"` }

/** The code of a bundle as the API takes it. */
export function codeBody({ files }: Pick<Bundle, 'files'>): object {
  const text = (name: string) => Buffer.from(files.get(name) ?? new Uint8Array()).toString('utf8')
  const others = [...files].filter(([name]) => name !== 'index.mjs' && name !== 'index.mjs.map')
  return {
    module: text('index.mjs'),
    ...(files.has('index.mjs.map') ? { sourceMap: text('index.mjs.map') } : {}),
    ...(others.length === 0
      ? {}
      : { files: Object.fromEntries(others.map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')])) }),
  }
}
