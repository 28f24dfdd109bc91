import { Readable } from 'node:stream'
import type { GatewayControl } from '../../src/api/gateway-control.ts'
import type { InvokeRequest } from '../../src/api/invocation-control.ts'
import type { LogLineView } from '../../src/api/views/log-view.ts'
import type { PauseEntry } from '../../src/api/views/pause-view.ts'
import type { RedriveView } from '../../src/api/views/redrive-view.ts'
import type { TriggerView } from '../../src/api/views/trigger-view.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import {
  aliasViewOf,
  deadLetterOf,
  functionSummaryOf,
  functionViewOf,
  logLineOf,
  overviewOf,
  pauseEntryOf,
  pauseViewOf,
  redriveOf,
  scalingViewOf,
  seekViewOf,
  statsViewOf,
  triggerViewOf,
  versionViewOf,
} from './sample-views.ts'
import { recentEventsOf } from './sample-recent-events.ts'
import { whyViewOf } from './sample-why.ts'

export interface StubControl extends GatewayControl {
  ready: boolean
  healthy: boolean
  readonly invocations: InvokeRequest[]
  /** Redrives of `alerts`. */
  readonly jobs: RedriveView[]
  /** Everything that was asked for, as [operation, …arguments]. */
  readonly calls: unknown[][]
  /** Kept log lines, ascending. */
  lines: LogLineView[]
  readonly followers: Set<(lines: readonly LogLineView[]) => void>
}

/**
 * A gateway without stages: it has the functions `price` and `echo`, versions 1 and 3, the alias `live` and the trigger
 * `alerts`; it answers invocations with what it got and tells what it was asked for.
 */
export function createStubControl(): StubControl {
  let trigger: TriggerView = triggerViewOf('alerts')
  let pauses: readonly PauseEntry[] = []
  const calls: unknown[][] = []
  const known = (name: string): string => {
    if (name === 'price' || name === 'echo') return name
    throw new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', `there is no function '${name}'`)
  }
  const knownTrigger = (name: string): TriggerView => {
    if (name === trigger.name) return trigger
    throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger '${name}'`)
  }
  const letterOwner = (name: string): string => (name === 'source:web' ? name : knownTrigger(name).name)
  const knownLetter = (name: string, id: number): number => {
    letterOwner(name)
    if (id >= 1 && id <= 3) return id
    throw new SluiceError('SLUICE_API_NOT_FOUND', `${name} has no dead letter ${id}`)
  }
  const knownVersion = (name: string, version: number): number => {
    known(name)
    if (version === 1 || version === 3) return version
    throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no version ${version}`)
  }
  const knownAlias = (name: string, alias: string): string => {
    known(name)
    if (alias === 'live') return alias
    throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no alias ${alias}`)
  }
  const note = (...call: unknown[]): void => void calls.push(call)
  return {
    ready: false,
    healthy: true,
    invocations: [],
    jobs: [],
    calls,
    lines: [],
    followers: new Set(),
    functions: async query => {
      note('functions', query)
      return { items: [functionSummaryOf('echo'), functionSummaryOf('price')], next: null }
    },
    function: async name => functionViewOf(known(name)),
    putFunction: async (name, input, precondition) => {
      note('putFunction', name, input, precondition)
      const isThere = name === 'price' || name === 'echo'
      const isAsExpected =
        precondition.absent === true
          ? !isThere
          : precondition.revision === undefined || (isThere && [7, 'any'].includes(precondition.revision))
      if (!isAsExpected) throw new SluiceError('SLUICE_REGISTRY_REVISION', `function ${name} has revision 7`)
      return { created: !isThere, view: functionViewOf(name, 8) }
    },
    deleteFunction: async (name, options) => {
      note('deleteFunction', known(name), options)
      if (!options.force) throw new SluiceError('SLUICE_REGISTRY_IN_USE', `trigger alerts needs function ${name}`)
    },
    enableFunction: async (name, enabled, precondition) => {
      note('enableFunction', known(name), enabled, precondition)
      return { ...functionViewOf(name, 8), enabled }
    },
    functionCode: async (name, version) => {
      note('functionCode', known(name), version)
      return { hash: 'c0de', files: [{ name: 'index.mjs', bytes: 10 }], module: 'export {}' }
    },
    versions: async name => [versionViewOf(known(name), 3), versionViewOf(name, 1)],
    version: async (name, version) => versionViewOf(name, knownVersion(name, version)),
    publishVersion: async (name, publication, precondition) => {
      note('publishVersion', known(name), publication, precondition)
      return publication.description === 'same'
        ? { created: false, view: { ...versionViewOf(name, 3), unchanged: true } }
        : { created: true, view: versionViewOf(name, 4) }
    },
    deleteVersion: async (name, version, options) => note('deleteVersion', name, knownVersion(name, version), options),
    aliases: async name => [aliasViewOf(known(name), 'live')],
    alias: async (name, alias) => aliasViewOf(name, knownAlias(name, alias)),
    putAlias: async (name, alias, input, precondition) => {
      note('putAlias', known(name), alias, input, precondition)
      return { created: alias !== 'live', view: aliasViewOf(name, alias, 5) }
    },
    deleteAlias: async (name, alias, options) => note('deleteAlias', name, knownAlias(name, alias), options),
    startRollout: async (name, alias, rollout, precondition) => {
      note('startRollout', name, knownAlias(name, alias), rollout, precondition)
      return aliasViewOf(name, alias, 5)
    },
    abortRollout: async (name, alias, options) => {
      note('abortRollout', name, knownAlias(name, alias), options)
      return aliasViewOf(name, alias, 6)
    },
    shadowReport: async (name, alias) => ({
      function: name,
      alias: knownAlias(name, alias),
      version: 2,
      percent: 10,
      compared: 2,
      same: 1,
      different: 1,
      failedOnlyInShadow: 0,
      failedOnlyInReal: 0,
      dropped: 0,
      examples: [{ eventId: 'e1', key: 'k', difference: 'another body', real: { total: 1 }, shadow: null }],
    }),
    triggers: async query => {
      note('triggers', query)
      return { items: [trigger], next: null }
    },
    trigger: async name => knownTrigger(name),
    putTrigger: async (name, input, precondition) => {
      note('putTrigger', name, input, precondition)
      return { created: name !== trigger.name, view: triggerViewOf(name) }
    },
    deleteTrigger: async (name, precondition) => note('deleteTrigger', knownTrigger(name).name, precondition),
    pauseTrigger: async (name, input) => {
      knownTrigger(name)
      return (trigger = { ...trigger, state: 'paused', paused: pauseViewOf(input) })
    },
    resumeTrigger: async name => {
      knownTrigger(name)
      return (trigger = { ...trigger, state: 'running', paused: null })
    },
    dropParked: async (name, drop) => {
      note('dropParked', knownTrigger(name).name, drop)
      return { dryRun: drop.dryRun, parked: 3, dropped: drop.dryRun ? 0 : 3 }
    },
    seekTrigger: async (name, seek) => {
      note('seekTrigger', knownTrigger(name).name, seek)
      return seekViewOf(seek.dryRun)
    },
    pauses: async () => pauses,
    pause: async (target, input) => {
      note('pause', target, input)
      if ('trigger' in target) knownTrigger(target.trigger)
      else if ('function' in target) known(target.function)
      return (pauses = [pauseEntryOf(target, input)])
    },
    endPause: async id => {
      const pause = pauses.find(entry => entry.id === id)
      if (pause === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no pause ${id}`)
      pauses = []
      return pause
    },
    deadLetters: async (name, { limit, before = 4, filter }) => {
      note('deadLetters', letterOwner(name), filter)
      const items = [3, 2, 1]
        .filter(id => id < before)
        .slice(0, limit)
        .map(deadLetterOf)
      const last = items.at(-1)?.id ?? 1
      return { items, total: 3, matching: 3, next: last > 1 ? last : null }
    },
    deadLetter: async (name, id) => deadLetterOf(knownLetter(name, id)),
    exportDeadLetters: async (name, filter) => {
      note('exportDeadLetters', letterOwner(name), filter)
      return Readable.from([deadLetterOf(1), deadLetterOf(2), deadLetterOf(3)])
    },
    deleteDeadLetter: async (name, id) => {
      note('deleteDeadLetter', name, knownLetter(name, id))
      if (id === 2) throw new SluiceError('SLUICE_STORE_REDRIVING', 'dead letter 2 of alerts is part of a redrive')
    },
    deleteDeadLetters: async (name, filter, { dryRun }) => {
      note('deleteDeadLetters', letterOwner(name), filter, dryRun)
      return { dryRun, matching: 3, deleted: dryRun ? 0 : 2 }
    },
    planRedrive: async (name, input) => {
      note('planRedrive', letterOwner(name), input)
      const skipped = { redrivenTooOften: 1, neverAnEvent: 0, beingRedriven: 0 }
      return { trigger: name, matching: 4, total: 3, skipped }
    },
    async startRedrive(name, input) {
      note('startRedrive', letterOwner(name), input)
      return (this.jobs[0] = redriveOf(5, {
        state: 'running',
        redriven: 1,
        succeeded: 1,
        inFlight: 1,
        endedAtMs: null,
      }))
    },
    async redrives(name) {
      letterOwner(name)
      return this.jobs
    },
    async redrive(name, id) {
      note('redrive', letterOwner(name), id)
      const [view] = this.jobs
      if (view?.id !== id && id !== 1) throw new SluiceError('SLUICE_API_NOT_FOUND', `${name} has no redrive ${id}`)
      return view ?? redriveOf(id)
    },
    cancelRedrive: async (name, id) => {
      note('cancelRedrive', letterOwner(name), id)
      return redriveOf(id, { state: 'cancelled', redriven: 1, succeeded: 1 })
    },
    why: async query => {
      note('why', query)
      const trigger = 'trigger' in query ? query.trigger : undefined
      if (trigger !== undefined) knownTrigger(trigger)
      return whyViewOf(trigger ?? 'alerts')
    },
    recentEvents: async query => {
      note('recentEvents', query)
      if (query.trigger !== undefined) knownTrigger(query.trigger)
      return recentEventsOf(query.trigger ?? 'alerts')
    },
    renew: async lease => {
      note('renew', lease)
      return { function: lease.function ?? null, trigger: lease.trigger ?? null, expiresAtMs: 1 }
    },
    stats: async (name, { version = 'latest', windowMs }) => statsViewOf(known(name), version, windowMs),
    async logs(name, query) {
      note('logs', known(name), query)
      const { afterId, beforeId = Infinity, limit } = query
      const lines = this.lines.filter(({ id }) => id !== null && id > (afterId ?? -1) && id < beforeId)
      const items = (afterId === undefined ? [...lines].reverse() : lines).slice(0, limit)
      return { items, next: items.length < lines.length ? (items.at(-1)?.id ?? null) : null }
    },
    followLogs(_name, _filter, onLines) {
      this.followers.add(onLines)
      return () => void this.followers.delete(onLines)
    },
    async invoke(name, request) {
      known(name)
      const text = request.body.toString()
      if (text === 'full') throw new SluiceError('SLUICE_LOG_FULL', 'no room')
      if (text === 'busy')
        throw new SluiceError('SLUICE_DISPATCH_OVERLOADED', 'busy', { details: { retryAfterS: 6.2 } })
      if (text === 'bug') throw new Error('secret internals')
      this.invocations.push(request)
      return {
        status: 201,
        headers: { 'content-type': request.contentType, 'x-function': name },
        body: request.body,
        version: '3',
        durationMs: 1.5,
        logs: request.logs ? [logLineOf(1, { invocationId: 'i1' })] : [],
      }
    },
    async invokeAsync(name, request) {
      known(name)
      this.invocations.push(request)
      return { id: 'e1', stream: `invocations-${name}`, partition: 0, offset: 5 }
    },
    overview: async () => overviewOf(),
    sources: async () => [
      { name: 'web', kind: 'http', state: 'running', stream: 'web', accepted: 7, duplicates: 1, refused: { full: 2 } },
    ],
    streams: async () => [{ name: 'web', kind: 'home', partitions: [{ partition: 0, low: 5, end: 9 }], bytes: 100 }],
    sinks: async () => [{ name: 'out', kind: 'mqtt', ready: false, detail: 'nobody\u001b[31m listens' }],
    async scaling(query) {
      note('scaling', query)
      return scalingViewOf('alert')
    },
    scalingSeries: async ({ windowMs }) => ({ atMs: 1, windowMs, intervalMs: 5_000, series: [] }),
    externalMetric: async () => ({
      kind: 'ExternalMetricValueList',
      apiVersion: 'external.metrics.k8s.io/v1beta1',
      metadata: {},
      items: [
        { metricName: 'sluice_wanted_nodes', metricLabels: {}, timestamp: '2026-01-05T00:00:00.000Z', value: '1500m' },
      ],
      ...{ value: 1.5, nodes: 2, reason: 'the load takes 2.4 cores, of 80 % of 2 cores on each node' },
    }),
    health() {
      return { healthy: this.healthy, ready: this.ready, parts: [{ name: 'log', state: 'open', ready: this.ready }] }
    },
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'sluice_up 1\n' }),
  }
}
