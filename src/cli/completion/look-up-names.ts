import type { AliasView } from '../../api/views/alias-view.ts'
import type { FunctionSummary, FunctionView } from '../../api/views/function-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { apiPath, type ApiClient } from '../api-client.ts'
import { formatWeights } from '../plan/alias-plan.ts'
import { plainText } from '../terminal-text.ts'
import type { Candidate, NameLookup } from './complete-words.ts'

/** Longer than this nobody waits for a tab. */
const patienceMs = 1_000

/** Names as the gateway has them now; none when it does not answer at once. */
export function createNameLookup(client: ApiClient): NameLookup {
  const signal = AbortSignal.timeout(patienceMs)
  const items = async <View>(noun: string) =>
    (await client.json<{ readonly items: readonly View[] }>('GET', apiPath(noun), { signal })).items
  const candidates = async (...[kind, typed, functionName]: Parameters<NameLookup>): Promise<readonly Candidate[]> => {
    switch (kind) {
      case 'function':
        return typed.includes('@') ? refs(client, typed, signal) : functions(client, signal)
      case 'trigger': {
        const triggers = await client.list<TriggerView>(apiPath('triggers'), {}, signal)
        return triggers.map(({ name, stream, functionRef }) => ({
          value: name,
          description: `${stream} → ${functionRef}`,
        }))
      }
      case 'stream':
      case 'sink':
        return (await items<{ readonly name: string; readonly kind: string }>(`${kind}s`)).map(view => ({
          value: view.name,
          description: view.kind,
        }))
      case 'alias': {
        if (functionName === undefined) return []
        const path = apiPath('functions', functionName, 'aliases')
        const { items: aliases } = await client.json<{ items: readonly AliasView[] }>('GET', path, { signal })
        return aliases.map(({ name, weights }) => ({ value: name, description: `→ ${formatWeights(weights)}` }))
      }
      case 'version': {
        if (functionName === undefined) return []
        const view = await client.json<FunctionView>('GET', apiPath('functions', functionName), { signal })
        return view.versions.map(({ version, description }) => ({ value: String(version), description }))
      }
    }
  }
  return async (kind, typed, functionName) => {
    try {
      return (await candidates(kind, typed, functionName)).map(({ value, description }) => ({
        value: plainText(value),
        description: plainText(description),
      }))
    } catch {
      return []
    }
  }
}

async function functions(client: ApiClient, signal: AbortSignal): Promise<readonly Candidate[]> {
  const views = await client.list<FunctionSummary>(apiPath('functions'), {}, signal)
  return views.map(({ name, description }) => ({ value: name, description }))
}

/** price@ → price@live, price@3. */
async function refs(client: ApiClient, typed: string, signal: AbortSignal): Promise<readonly Candidate[]> {
  const [name = ''] = typed.split('@', 1)
  const view = await client.json<FunctionView>('GET', apiPath('functions', name), { signal })
  return [
    ...view.aliases.map(alias => ({
      value: `${name}@${alias.name}`,
      description: `→ ${formatWeights(alias.weights)}`,
    })),
    ...view.versions.map(({ version, description }) => ({ value: `${name}@${version}`, description })),
  ]
}
