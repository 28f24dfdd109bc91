import { Readable } from 'node:stream'
import { randomUUID } from 'node:crypto'
import { fastify, type FastifyInstance } from 'fastify'
import type { GatewayControl } from '../../src/api/gateway-control.ts'
import type { InvokeReply, InvokeRequest } from '../../src/api/invocation-control.ts'
import type { LogsQuery } from '../../src/api/observation-control.ts'
import { registerApi } from '../../src/api/register-api.ts'
import type { ShadowReport } from '../../src/api/views/alias-view.ts'
import type { StreamView } from '../../src/api/views/gateway-view.ts'
import type { LogLineView } from '../../src/api/views/log-view.ts'
import type { ScalingView } from '../../src/api/views/scaling-view.ts'
import type { StatsView } from '../../src/api/views/stats-view.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { artifactHash } from '../../src/functions/artifact-hash.ts'
import { checkArtifactFiles } from '../../src/functions/artifact-name.ts'
import { versionHash } from '../../src/functions/version-hash.ts'
import {
  functionSummaryOf,
  functionViewOf,
  newestFirst,
  versionViewOf,
} from '../../src/gateway/views/function-views.ts'
import { aliasViewOf } from '../../src/gateway/views/alias-views.ts'
import { applyCommand } from '../../src/registry/apply-command.ts'
import { planDeleteAlias, planEndRollout, planPutAlias, planStartRollout } from '../../src/registry/plan-alias.ts'
import {
  planDeleteFunction,
  planDeleteVersion,
  planEnable,
  planPublish,
  planPutFunction,
} from '../../src/registry/plan-function.ts'
import { planDeleteTrigger, planPutTrigger, planRenew } from '../../src/registry/plan-trigger.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { FunctionRecord, RegistryState, TriggerRecord } from '../../src/registry/registry-records.ts'
import { emptyState, type ReplicatedState } from '../../src/registry/state-draft.ts'
import { recentEventsOf } from '../api/sample-recent-events.ts'
import { deadLetterOf, overviewOf, pauseEntryOf, pauseViewOf, seekViewOf, triggerViewOf } from '../api/sample-views.ts'
import { whyViewOf } from '../api/sample-why.ts'

export interface SeenRequest {
  /** `PUT /v1/functions/price`, with its query. */
  readonly line: string
  readonly ifMatch: string | undefined
  readonly ifNoneMatch: string | undefined
  readonly body: unknown
}

/**
 * A gateway that keeps what it is told in memory: the real API in front of the real plans of the registry. It runs no
 * code; invocations are answered by `reply`.
 */
export interface MemoryGateway {
  readonly url: string
  readonly app: FastifyInstance
  /** Changes, in their order; `/leases` are left out. */
  readonly writes: SeenRequest[]
  readonly requests: SeenRequest[]
  readonly state: RegistryState
  /** Somebody else changes something. */
  change(...changes: RegistryChange[]): void
  /** Called before each request is handled. */
  onRequest: (request: SeenRequest) => void | Promise<void>
  /** Files of every upload, by function. */
  readonly code: Map<string, ReadonlyMap<string, Uint8Array>>
  /** A module with this text does not load. */
  refusedModule: string | undefined
  reply: (name: string, request: InvokeRequest) => Partial<InvokeReply>
  stats: StatsView | undefined
  shadow: ShadowReport | undefined
  streams: StreamView[]
  sinks: string[]
  /** What every look at the scaling sees. */
  scaling: () => ScalingView
  readonly lines: LogLineView[]
  log(...lines: LogLineView[]): void
  readonly followers: Set<(lines: readonly LogLineView[]) => void>
  close(): Promise<void>
}

type Condition = { readonly revision?: number | 'any'; readonly absent?: true }

const conditionOf = ({ revision, absent }: Condition) => ({
  ...(revision === undefined ? {} : { ifMatch: revision }),
  ...(absent === undefined ? {} : { ifNoneMatch: absent }),
})

export async function startMemoryGateway(options: { readonly token?: string } = {}): Promise<MemoryGateway> {
  let state: ReplicatedState = emptyState
  const commit = (changes: readonly RegistryChange[]): RegistryState => {
    if (changes.length === 0) return state
    const command = {
      format: 1,
      id: randomUUID(),
      atMs: Date.now(),
      by: 'api',
      expectedPosition: state.position,
      changes,
    }
    return (state = applyCommand(state, { ...command, format: 1 }).state)
  }
  const functionNamed = (name: string): FunctionRecord => {
    const record = state.functions.get(name)
    if (record === undefined) throw new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', `there is no function ${name}`)
    return record
  }
  const missing = (what: string): SluiceError => new SluiceError('SLUICE_API_NOT_FOUND', `there is no ${what}`)
  const viewOf = (name: string) => functionViewOf(functionNamed(name), [], state)
  const versionOf = (name: string, version: number) => {
    const found = functionNamed(name).versions.get(version)
    if (found === undefined) throw missing(`version ${version} of ${name}`)
    return versionViewOf(name, found)
  }
  const aliasOf = (name: string, alias: string) => {
    const record = functionNamed(name)
    const found = record.aliases.get(alias)
    if (found === undefined) throw missing(`alias ${alias} of ${name}`)
    return aliasViewOf(record, found)
  }
  const triggerOf = (name: string) => {
    const record = state.triggers.get(name)
    if (record === undefined) throw missing(`trigger ${name}`)
    return triggerView(record)
  }
  const byName = <Item extends { readonly name: string }>(items: Iterable<Item>): Item[] =>
    [...items].sort((a, b) => (a.name < b.name ? -1 : 1))

  const gateway: Omit<MemoryGateway, 'url' | 'app' | 'close' | 'state'> = {
    writes: [],
    requests: [],
    change: (...changes) => void commit(changes),
    onRequest: () => undefined,
    code: new Map(),
    refusedModule: undefined,
    reply: (_name, request) => ({ body: request.body, headers: { 'content-type': request.contentType } }),
    stats: undefined,
    shadow: undefined,
    scaling: () => ({ atMs: 0, cores: 2, memoryMiB: 1_024, versions: [], decisions: [] }),
    streams: ['orders', 'telemetry'].map(name => ({ name, kind: 'home', partitions: [], bytes: 100 })),
    sinks: ['alerts', 'priced'],
    lines: [],
    followers: new Set(),
    log: (...lines) => {
      gateway.lines.push(...lines)
      for (const follower of gateway.followers) follower(lines)
    },
  }

  const control: GatewayControl = {
    async functions({ labels, limit, after = '' }) {
      const matching = byName(state.functions.values()).filter(
        ({ name, latest }) =>
          name > after && labels.every(label => latest.definition.labels[label.name] === label.value),
      )
      const items = matching.slice(0, limit).map(record => functionSummaryOf(record, []))
      return { items, next: matching.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
    function: async name => viewOf(name),
    async putFunction(name, { definition, code: files, publish, expiresAfterMs }, precondition) {
      const created = !state.functions.has(name)
      let code = state.functions.get(name)?.latest.code
      if (files !== undefined) {
        const names = checkArtifactFiles(files)
        if (Buffer.from(files.get('index.mjs') ?? []).toString() === gateway.refusedModule) {
          throw new SluiceError('SLUICE_FUNCTIONS_LOAD', `function ${name} does not load: x is not defined`)
        }
        gateway.code.set(name, files)
        const sizes = names.map(file => ({ name: file, bytes: files.get(file)?.byteLength ?? 0 }))
        const bytes = sizes.reduce((sum, file) => sum + file.bytes, 0)
        code = { kind: 'artifact', hash: await artifactHash(files), bytes, files: sizes }
      }
      if (code === undefined)
        throw new SluiceError('SLUICE_REGISTRY_INVALID', `function ${name} is new: code is missing`)
      const { changes, published } = planPutFunction(state, {
        name,
        managedBy: 'api',
        code,
        definition,
        hash: versionHash(definition, code),
        ...conditionOf(precondition),
        ...(publish === undefined ? {} : { publish }),
        ...(expiresAfterMs === undefined ? {} : { expiresAtMs: Date.now() + expiresAfterMs }),
      })
      commit(changes)
      const view = viewOf(name)
      return { created, view: published === undefined ? view : { ...view, published: versionOf(name, published) } }
    },
    deleteFunction: async (name, { force, precondition }) =>
      void commit(planDeleteFunction(state, { name, force, ...conditionOf(precondition) })),
    async enableFunction(name, enabled, precondition) {
      commit(planEnable(state, { name, enabled, ...conditionOf(precondition) }))
      return viewOf(name)
    },
    functionCode: async () => Promise.reject(missing('code')),
    versions: async name => newestFirst(functionNamed(name)).map(version => versionViewOf(name, version)),
    version: async (name, version) => versionOf(name, version),
    async publishVersion(name, publication, precondition) {
      const plan = planPublish(state, { function: name, ...publication, ...conditionOf(precondition) })
      commit(plan.changes)
      const view = versionOf(name, plan.version)
      return { created: !plan.unchanged, view: plan.unchanged ? { ...view, unchanged: true } : view }
    },
    deleteVersion: async (name, version, { force, precondition }) =>
      void commit(planDeleteVersion(state, { function: name, version, force, ...conditionOf(precondition) })),
    aliases: async name => byName(functionNamed(name).aliases.values()).map(({ name: alias }) => aliasOf(name, alias)),
    alias: async (name, alias) => aliasOf(name, alias),
    async putAlias(name, alias, input, precondition) {
      const created = state.functions.get(name)?.aliases.has(alias) !== true
      commit(planPutAlias(state, { function: name, alias, ...input, ...conditionOf(precondition) }, Date.now()))
      return { created, view: aliasOf(name, alias) }
    },
    deleteAlias: async (name, alias, { force, precondition }) =>
      void commit(planDeleteAlias(state, { function: name, alias, force, ...conditionOf(precondition) })),
    async startRollout(name, alias, rollout, precondition) {
      const plan = {
        function: name,
        alias,
        id: randomUUID(),
        nowMs: Date.now(),
        ...rollout,
        ...conditionOf(precondition),
      }
      commit(
        planStartRollout(state, plan, (from, to, percent) => [
          ...from.filter(({ version }) => version !== to).map(({ version }) => ({ version, weight: 100 - percent })),
          { version: to, weight: percent },
        ]),
      )
      return aliasOf(name, alias)
    },
    async abortRollout(name, alias, { restore, precondition }) {
      const plan = { function: name, alias, restore, reason: 'aborted by hand', nowMs: Date.now() }
      commit(planEndRollout(state, { ...plan, ...conditionOf(precondition) }))
      return aliasOf(name, alias)
    },
    shadowReport: async () => gateway.shadow ?? Promise.reject(missing('shadow')),
    async triggers({ function: name, limit, after = '' }) {
      const matching = byName(state.triggers.values())
        .filter(trigger => trigger.name > after)
        .map(triggerView)
        .filter(view => name === undefined || view.function === name)
      const items = matching.slice(0, limit)
      return { items, next: matching.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
    trigger: async name => triggerOf(name),
    async putTrigger(name, { definition, expiresAfterMs }, precondition) {
      const created = !state.triggers.has(name)
      const { stream } = definition
      if (!gateway.streams.some(one => one.name === stream)) {
        throw new SluiceError('SLUICE_REGISTRY_INVALID', `trigger ${name}: stream: there is no stream '${stream}'`)
      }
      const expiry = expiresAfterMs === undefined ? {} : { expiresAtMs: Date.now() + expiresAfterMs }
      commit(planPutTrigger(state, { name, managedBy: 'api', definition, ...expiry, ...conditionOf(precondition) }))
      return { created, view: triggerOf(name) }
    },
    deleteTrigger: async (name, precondition) =>
      void commit(planDeleteTrigger(state, { name, ...conditionOf(precondition) })),
    pauseTrigger: async (name, pause) => ({ ...triggerOf(name), state: 'paused', paused: pauseViewOf(pause) }),
    resumeTrigger: async name => triggerOf(name),
    dropParked: async (_name, { dryRun }) => ({ dryRun, parked: 3, dropped: dryRun ? 0 : 3 }),
    seekTrigger: async (_name, { dryRun }) => seekViewOf(dryRun),
    pauses: async () => [],
    pause: async (target, input) => [pauseEntryOf(target, input)],
    endPause: async id => {
      throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no pause ${id}`)
    },
    async why(query) {
      const asked = 'trigger' in query ? query.trigger : undefined
      const trigger = asked ?? [...state.triggers.keys()][0] ?? 'none'
      if (asked !== undefined) triggerOf(trigger)
      if (query.kind === 'event' && query.id !== '42') throw missing(`event with the id ${query.id}`)
      return whyViewOf(trigger)
    },
    async recentEvents({ wanted, trigger = [...state.triggers.keys()][0] ?? 'none' }) {
      if (wanted.kind === 'id' && wanted.value !== '42') throw missing(`event with the id ${wanted.value}`)
      if (wanted.kind === 'trace' && /^0+1$/.test(wanted.value)) throw missing(`event of the trace ${wanted.value}`)
      return recentEventsOf(trigger)
    },
    deadLetters: async () => ({ items: [deadLetterOf(1)], total: 1, matching: 1, next: null }),
    deadLetter: async (_name, id) => deadLetterOf(id),
    exportDeadLetters: async () => Readable.from([deadLetterOf(1)]),
    deleteDeadLetter: async () => undefined,
    deleteDeadLetters: async (_name, _filter, { dryRun }) => ({ dryRun, matching: 1, deleted: dryRun ? 0 : 1 }),
    planRedrive: () => Promise.reject(missing('redrive')),
    startRedrive: () => Promise.reject(missing('redrive')),
    redrives: async () => [],
    redrive: () => Promise.reject(missing('redrive')),
    cancelRedrive: () => Promise.reject(missing('redrive')),
    async renew({ function: name, trigger, expiresAfterMs }) {
      const expiresAtMs = Date.now() + expiresAfterMs
      const what = { ...(name === undefined ? {} : { function: name }), ...(trigger === undefined ? {} : { trigger }) }
      commit(planRenew(state, { ...what, expiresAtMs }))
      return { function: name ?? null, trigger: trigger ?? null, expiresAtMs }
    },
    async invoke(name, request) {
      functionNamed(name)
      const reply = { status: 200, headers: {}, body: Buffer.alloc(0), version: 'latest', durationMs: 1.5, logs: [] }
      return { ...reply, ...gateway.reply(name, request) }
    },
    invokeAsync: async name => ({ id: 'e1', stream: `invocations-${name}`, partition: 0, offset: 5 }),
    stats: async name => gateway.stats ?? Promise.reject(missing(`function ${name}`)),
    async logs(name, query) {
      functionNamed(name)
      return pageOf(gateway.lines, query)
    },
    followLogs(_name, _filter, onLines) {
      gateway.followers.add(onLines)
      return () => void gateway.followers.delete(onLines)
    },
    overview: async () => overviewOf(),
    sources: async () => [],
    streams: async () => gateway.streams,
    sinks: async () => gateway.sinks.map(name => ({ name, kind: 'stream', ready: true })),
    scaling: async ({ limit }) => {
      const view = gateway.scaling()
      return { ...view, decisions: view.decisions.slice(0, limit) }
    },
    scalingSeries: async () => ({ atMs: 0, windowMs: 1_000, intervalMs: 5_000, series: [] }),
    externalMetric: () => Promise.reject(new Error('not asked for')),
    health: () => ({ healthy: true, ready: true, parts: [] }),
    metrics: async () => ({ contentType: 'text/plain', body: '' }),
  }

  const app = fastify()
  app.addHook('preHandler', async request => {
    const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = request.headers
    const line = `${request.method} ${decodeURIComponent(request.url)}`
    const isJson = request.headers['content-type']?.includes('json') === true
    const text = Buffer.isBuffer(request.body) ? request.body.toString() : request.body
    const body: unknown = isJson && typeof text === 'string' && text !== '' ? JSON.parse(text) : text
    const seen: SeenRequest = { line, ifMatch, ifNoneMatch, body }
    gateway.requests.push(seen)
    if (request.method !== 'GET' && !line.endsWith('/leases')) gateway.writes.push(seen)
    await gateway.onRequest(seen)
  })
  await registerApi(app, control, options)
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return Object.defineProperties(gateway as MemoryGateway, {
    url: { value: url },
    app: { value: app },
    state: { get: () => state },
    close: {
      value: () => {
        app.server.closeAllConnections()
        return app.close()
      },
    },
  })
}

const triggerView = ({ name, uid, managedBy, definition, revision, expiresAtMs }: TriggerRecord) => ({
  ...triggerViewOf(name),
  uid,
  managedBy,
  stream: definition.stream,
  function: definition.function.split('@', 1)[0] ?? '',
  functionRef: definition.function,
  sinks: definition.sinks,
  definition,
  revision,
  expiresAtMs: expiresAtMs ?? null,
})

function pageOf(all: readonly LogLineView[], { afterId, beforeId = Infinity, limit }: LogsQuery) {
  const lines = all.filter(({ id }) => id !== null && id > (afterId ?? -1) && id < beforeId)
  const items = (afterId === undefined ? [...lines].reverse() : lines).slice(0, limit)
  return { items, next: items.length < lines.length ? (items.at(-1)?.id ?? null) : null }
}
