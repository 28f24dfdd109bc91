import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseVersionRef } from '../../config/function-ref.ts'
import type { StreamConfig } from '../../config/sections/stream.ts'
import type { Delivery } from '../../dispatch/delivery.ts'
import type { RouteTable, RouteTarget } from '../../dispatch/route.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { TriggerDefinition, TriggerRecord } from '../../registry/registry-records.ts'
import type { Acceptance, IncomingEvent } from '../../sources/source.ts'
import { groupOf, type HomeStream } from '../home-streams.ts'
import { buildTrigger } from './build-trigger.ts'
import type { FunctionRoutes } from './function-routes.ts'
import type { RefTargets } from './ref-targets.ts'
import type { RunningTrigger, TriggerFleet, TriggerFleetOptions } from './trigger-fleet.ts'
import { routeTarget, TriggerRoutes } from './trigger-routes.ts'

/** Extension attribute that says which version or alias an asynchronous invocation asked for. */
export const versionExtension = 'sluiceversion'

/** Name of the stream of a function's asynchronous invocations, and of the trigger that reads it. */
export const invocationsOf = (functionName: string): string => `${prefix}${functionName}`

const prefix = 'invocations-'

const uidOf = (functionName: string): string => `invocations.${functionName}`

const streamDefinition: StreamConfig = {
  partitions: 16,
  retentionMs: 86_400_000,
  maxBytes: 1_073_741_824,
  // The ids of invocations are the gateway's own: nothing is repeated.
  deduplication: { windowMs: 1_000, maxIds: 1_000 },
}

export interface AsyncInvocationsOptions {
  readonly dataDir: string
  readonly fleet: TriggerFleet
  readonly parts: TriggerFleetOptions
}

/**
 * Asynchronous invocations: each function that ever got one has a home stream of its own and a trigger that reads it, so
 * that they are durable, retried, dead-lettered, paused and counted as any event. Which version runs is asked for by each
 * event.
 */
export class AsyncInvocations {
  readonly #options: AsyncInvocationsOptions
  readonly #open = new Map<string, Promise<HomeStream>>()
  readonly #tables = new Map<string, InvocationRoutes>()

  constructor(options: AsyncInvocationsOptions) {
    this.#options = options
  }

  /** Goes on with what earlier runs accepted. */
  async start(isKnown: (functionName: string) => boolean): Promise<void> {
    const directory = join(this.#options.dataDir, 'streams')
    if (!existsSync(directory)) return
    for (const name of readdirSync(directory)) {
      const functionName = name.slice(prefix.length)
      if (name.startsWith(prefix) && isKnown(functionName)) await this.#stream(functionName)
    }
  }

  /** Resolves when the event is durable. @throws {SluiceError} as {@link StreamIntake.accept}. */
  async accept(functionName: string, event: IncomingEvent): Promise<{ stream: string } & Acceptance> {
    const { name, intake } = await this.#stream(functionName)
    const [acceptance] = await intake.accept([event])
    return { stream: name, ...(acceptance as Acceptance) }
  }

  /** Events that are accepted and not completed. */
  async waiting(functionName: string): Promise<number> {
    const stream = await this.#open.get(functionName)
    const trigger = this.#options.fleet.running.get(invocationsOf(functionName))
    if (stream === undefined || trigger === undefined) return 0
    const [ends, committed] = await Promise.all([stream.log.ends(), stream.log.committed(groupOf(trigger.record.uid))])
    return ends.reduce((sum, { low, end }, partition) => sum + end - (committed.get(partition) ?? low), 0)
  }

  /** The function is gone: so is what it was still to be given. */
  async remove(functionName: string): Promise<void> {
    if ((await this.#open.get(functionName)) === undefined) return
    this.#open.delete(functionName)
    const { fleet, parts } = this.#options
    const name = invocationsOf(functionName)
    await fleet.dismiss(name, 0)
    this.#tables.get(functionName)?.close()
    this.#tables.delete(functionName)
    await parts.streams.delete(name)
    const uid = uidOf(functionName)
    await parts.store.forgetTrigger(uid)
    parts.pauses.forget(scope => 'trigger' in scope && scope.trigger === uid)
  }

  #stream(functionName: string): Promise<HomeStream> {
    let stream = this.#open.get(functionName)
    if (stream === undefined) {
      stream = this.#start(functionName)
      this.#open.set(functionName, stream)
      stream.catch(() => this.#open.delete(functionName))
    }
    return stream
  }

  async #start(functionName: string): Promise<HomeStream> {
    const { fleet, parts } = this.#options
    const name = invocationsOf(functionName)
    const record = recordOf(name, functionName)
    const stream = await parts.streams.open(name, streamDefinition, [groupOf(record.uid)])
    const table = new InvocationRoutes(functionName, parts.routes)
    this.#tables.set(functionName, table)
    const { dispatch, log } = buildTrigger(record, table, parts, (delivery, outcome) =>
      parts.shadows.offer(table.refsOf(delivery), delivery, outcome),
    )
    const trigger: RunningTrigger = { name, record, log, dispatch, routes: table.latest, isInternal: true }
    table.onChange = () => {
      dispatch.reroute()
      void hold(trigger)
    }
    await hold(trigger)
    fleet.adopt(trigger)
    const { pauses } = parts
    await dispatch.start(pauses.of({ kind: 'trigger', trigger: record.uid }), pauses.partsOf(record.uid))
    return stream
  }
}

async function hold({ dispatch, routes }: RunningTrigger): Promise<void> {
  if (routes.refs.enabled) dispatch.release()
  else await dispatch.hold(`function ${routes.refs.ref.name} is disabled`)
}

/** The routes of one function's asynchronous invocations: a table per version or alias that an event asks for. */
class InvocationRoutes implements RouteTable {
  onChange: () => void = () => undefined
  readonly latest: TriggerRoutes
  readonly #functionName: string
  readonly #routes: FunctionRoutes
  readonly #byVersion = new Map<string, { readonly refs: RefTargets; targets: readonly RouteTarget[] }>()

  constructor(functionName: string, routes: FunctionRoutes) {
    this.#functionName = functionName
    this.#routes = routes
    const refs = routes.open({ name: functionName, version: { kind: 'latest' } })
    this.latest = new TriggerRoutes(refs, {
      stream: invocationsOf(functionName),
      retry: undefined,
      functions: routes,
    })
    this.latest.onChange = () => this.onChange()
  }

  /** @throws {SluiceError} SLUICE_DISPATCH_UNRESOLVED for a version or alias that is not there. */
  targetsOf(delivery: Delivery): readonly RouteTarget[] {
    const version = versionOf(delivery)
    if (version === 'latest') return this.latest.targetsOf()
    const { refs, targets } = this.#tableOf(version)
    if (refs.problem !== undefined) throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', refs.problem)
    return targets
  }

  close(): void {
    this.latest.close()
    for (const { refs } of this.#byVersion.values()) this.#routes.close(refs)
    this.#byVersion.clear()
  }

  refsOf(delivery: Delivery): RefTargets {
    const version = versionOf(delivery)
    return version === 'latest' ? this.latest.refs : this.#tableOf(version).refs
  }

  #tableOf(version: string): { readonly refs: RefTargets; targets: readonly RouteTarget[] } {
    let table = this.#byVersion.get(version)
    if (table === undefined) {
      const refs = this.#routes.open({ name: this.#functionName, version: parseVersionRef(version) })
      const made: { readonly refs: RefTargets; targets: readonly RouteTarget[] } = { refs, targets: [] }
      const follow = (): void => {
        made.targets = refs.targets.map(({ engine, weight }) => routeTarget(engine, weight, undefined))
      }
      follow()
      refs.onChange = () => {
        follow()
        this.onChange()
      }
      this.#byVersion.set(version, (table = made))
    }
    return table
  }
}

function versionOf({ feed, record, wantedVersion }: Delivery): string {
  if (wantedVersion !== undefined) return wantedVersion
  const version = feed.reader.attribute(record, versionExtension)
  return typeof version === 'string' ? version : 'latest'
}

function recordOf(name: string, functionName: string): TriggerRecord {
  const definition: TriggerDefinition = {
    stream: name,
    enabled: true,
    description: `Asynchronous invocations of ${functionName}.`,
    function: functionName,
    ordering: 'key',
    start: 'earliest',
    sinks: [],
    maxInFlight: 2_000,
  }
  // Names have no dot: no trigger of a user can have this uid.
  return { name, uid: uidOf(functionName), managedBy: 'api', definition, revision: 0, createdAtMs: 0, updatedAtMs: 0 }
}
