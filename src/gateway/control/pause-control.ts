import type { PauseControl } from '../../api/pause-control.ts'
import type { PauseTarget } from '../../api/views/pause-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import type { GatewayView } from '../gateway-view.ts'
import { notFound } from '../invoke.ts'
import type { KnownPause } from '../pauses/pause-board.ts'
import type { PauseScope } from '../pauses/pause-scope.ts'
import { pauseEntryOf } from '../views/pause-views.ts'

/** Pauses of every kind; what a target means is looked up when it is paused. */
export function createPauseControl(view: GatewayView): PauseControl {
  const { pauses: board, registry, triggers: fleet } = view

  /** Those of the registry, and those of asynchronous invocations. */
  const records = (): TriggerRecord[] => {
    const internal = [...fleet.running.values()].filter(({ isInternal }) => isInternal).map(({ record }) => record)
    return [...registry.state.triggers.values(), ...internal]
  }
  const triggerNamed = (name: string): TriggerRecord => {
    const record = records().find(trigger => trigger.name === name)
    if (record === undefined)
      throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}; GET /v1/triggers lists them`)
    return record
  }
  const triggersOf = (what: string, isMeant: (trigger: TriggerRecord) => boolean): PauseScope[] => {
    const found = records().filter(isMeant)
    if (found.length === 0) throw new SluiceError('SLUICE_API_NOT_FOUND', `no trigger names ${what}; nothing is paused`)
    return found.map(({ uid }) => ({ kind: 'trigger', trigger: uid }))
  }
  const scopesOf = (target: PauseTarget): readonly PauseScope[] => {
    switch (target.kind) {
      case 'trigger':
        return [{ kind: 'trigger', trigger: triggerNamed(target.trigger).uid }]
      case 'key':
        return [{ ...target, trigger: triggerNamed(target.trigger).uid }]
      case 'partition': {
        const { uid, name } = triggerNamed(target.trigger)
        const count = fleet.running.get(name)?.log.partitionCount ?? 0
        // Of a Kafka topic that was never reached the count is not known.
        if (count > 0 && target.partition >= count)
          throw new SluiceError(
            'SLUICE_API_NOT_FOUND',
            `the stream of trigger ${name} has no partition ${target.partition}; it has 0 to ${count - 1}`,
          )
        return [{ ...target, trigger: uid }]
      }
      case 'version': {
        const { function: name, version } = target
        const record = registry.state.functions.get(name)
        if (record === undefined) throw notFound(name)
        if (version !== 'latest' && !record.versions.has(Number(version)))
          throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no version ${version}`)
        return [target]
      }
      case 'source':
        if (!view.sources.has(target.source))
          throw new SluiceError(
            'SLUICE_API_NOT_FOUND',
            `there is no source ${target.source}; GET /v1/sources lists them`,
          )
        return [target]
      case 'function': {
        const { function: name } = target
        if (!registry.state.functions.has(name)) throw notFound(name)
        return triggersOf(`function ${name}`, trigger => refOf(trigger)?.name === name)
      }
      case 'alias': {
        const { function: name, alias } = target
        const record = registry.state.functions.get(name)
        if (record === undefined) throw notFound(name)
        if (!record.aliases.has(alias))
          throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no alias ${alias}`)
        return triggersOf(`${name}@${alias}`, trigger => {
          const ref = refOf(trigger)
          return ref?.name === name && ref.version.kind === 'alias' && ref.version.alias === alias
        })
      }
    }
  }
  const entryOf = (pause: KnownPause) =>
    pauseEntryOf(pause, uid => records().find(trigger => trigger.uid === uid)?.name)

  return {
    pauses: () => Promise.resolve([...board.all].sort((a, b) => a.record.sinceMs - b.record.sinceMs).map(entryOf)),
    async pause(target, input) {
      const nowMs = Date.now()
      const paused = await Promise.all(scopesOf(target).map(scope => board.pause(scope, input, nowMs)))
      return paused.map(entryOf)
    },
    async endPause(id) {
      const known = board.byId(id)
      if (known === undefined)
        throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no pause ${id}; GET /v1/pauses lists them`)
      const entry = entryOf(known)
      await board.resume(known.scope)
      return entry
    },
  }
}

const refOf = ({ definition }: TriggerRecord) => parseFunctionRef(definition.function)
