import type { FunctionSummary, FunctionView } from '../../api/views/function-view.ts'
import type { SinkView, StreamView } from '../../api/views/gateway-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import { apiPath, orNone, type ApiClient } from '../api-client.ts'
import { mapLimited } from '../map-limited.ts'
import type { Manifests } from '../manifest/read-manifests.ts'
import { managedByLabel } from '../plan/function-plan.ts'

/** What is there now of what the files speak of. */
export interface GatewayState {
  /** Functions that the files want or that their triggers name; those that are not there are missing. */
  readonly functions: ReadonlyMap<string, FunctionView>
  readonly triggers: ReadonlyMap<string, TriggerView>
  /** Functions that an earlier apply of these manifests made. */
  readonly managed: readonly FunctionSummary[]
  readonly streams: ReadonlySet<string>
  readonly sinks: ReadonlySet<string>
}

/** The mark of what a manifest made. */
export const markOf = (manifest: string): string => `apply:${manifest}`

const parallelRequests = 8

export async function readGatewayState(client: ApiClient, manifests: Manifests): Promise<GatewayState> {
  const names = new Set(manifests.functions.keys())
  for (const { definition } of manifests.triggers.values()) {
    const ref = parseFunctionRef(definition.function)
    if (ref !== undefined) names.add(ref.name)
  }
  const list = async <View extends { readonly name: string }>(noun: string) =>
    new Set(
      (await client.json<{ readonly items: readonly View[] }>('GET', apiPath(noun))).items.map(({ name }) => name),
    )
  const [views, triggers, streams, sinks, managed] = await Promise.all([
    mapLimited([...names], parallelRequests, name =>
      orNone(client.json<FunctionView>('GET', apiPath('functions', name))),
    ),
    client.list<TriggerView>(apiPath('triggers')),
    list<StreamView>('streams'),
    list<SinkView>('sinks'),
    mapLimited(manifests.names, parallelRequests, name =>
      client.list<FunctionSummary>(apiPath('functions'), { label: [`${managedByLabel}=${markOf(name)}`] }),
    ),
  ])
  return {
    functions: new Map(views.filter(view => view !== undefined).map(view => [view.name, view])),
    triggers: new Map(triggers.map(trigger => [trigger.name, trigger])),
    managed: managed.flat(),
    streams,
    sinks,
  }
}
