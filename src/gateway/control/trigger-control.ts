import type { TriggerControl } from '../../api/trigger-control.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { planDeleteTrigger, planPutTrigger, planRenew } from '../../registry/plan-trigger.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import type { GatewayView } from '../gateway-view.ts'
import { triggerViewOf, waitingTriggerViewOf } from '../views/trigger-views.ts'
import { checkTrigger } from './check-trigger.ts'
import { dropParked } from './drop-control.ts'
import { seekTrigger } from './seek-control.ts'
import { conditionOf } from './function-control.ts'

/** Triggers: those of the registry, and those of asynchronous invocations, which can be looked at, paused and resumed. */
export function createTriggerControl(view: GatewayView): TriggerControl {
  const { registry, triggers: fleet, store, pauses, config, ends } = view

  const recordNamed = (name: string): TriggerRecord => {
    const record = registry.state.triggers.get(name) ?? fleet.running.get(name)?.record
    if (record === undefined)
      throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}; GET /v1/triggers lists them`)
    return record
  }
  const viewOf = async (name: string, kept: ReadonlyMap<string, number>): Promise<TriggerView> => {
    const running = fleet.running.get(name)
    if (running !== undefined) return triggerViewOf(running, { ends, deadLetters: kept })
    const waiting = fleet.waiting.get(name) ?? { record: recordNamed(name), problem: 'it is being started' }
    const pause = pauses.of({ kind: 'trigger', trigger: waiting.record.uid })
    return waitingTriggerViewOf(waiting, pause, kept)
  }
  const oneView = async (name: string): Promise<TriggerView> => viewOf(name, await store.countDeadLetters())

  return {
    async triggers({ function: functionName, limit, after }) {
      const records = new Map([...registry.state.triggers].map(([name, record]) => [name, record]))
      for (const [name, { record }] of fleet.running) if (!records.has(name)) records.set(name, record)
      const names = [...records.values()]
        .filter(({ name, definition }) => {
          const isAsked = functionName === undefined || parseFunctionRef(definition.function)?.name === functionName
          return isAsked && (after === undefined || name > after)
        })
        .map(({ name }) => name)
        .sort()
      const kept = await store.countDeadLetters()
      const items = await Promise.all(names.slice(0, limit).map(name => viewOf(name, kept)))
      return { items, next: names.length > limit ? (items.at(-1)?.name ?? null) : null }
    },
    async trigger(name) {
      recordNamed(name)
      return oneView(name)
    },
    async putTrigger(name, { definition, expiresAfterMs }, precondition) {
      const streams = [...config.streams.keys()]
      const expiresAtMs = expiresAfterMs === undefined ? undefined : Date.now() + expiresAfterMs
      let created = false
      await registry.transact('api', state => {
        created = !state.triggers.has(name)
        return planPutTrigger(state, {
          name,
          managedBy: 'api',
          definition,
          check: () => checkTrigger(name, definition, { streams, sinks: config.sinks }, state),
          ...conditionOf(precondition),
          ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        })
      })
      await fleet.settled(name)
      return { created, view: await oneView(name) }
    },
    async deleteTrigger(name, precondition) {
      await registry.transact('api', state => planDeleteTrigger(state, { name, ...conditionOf(precondition) }))
      await fleet.settled(name)
    },
    async pauseTrigger(name, input) {
      await fleet.settled(name)
      await pauses.pause({ kind: 'trigger', trigger: recordNamed(name).uid }, input, Date.now())
      return oneView(name)
    },
    async resumeTrigger(name) {
      await fleet.settled(name)
      await pauses.resume({ kind: 'trigger', trigger: recordNamed(name).uid })
      return oneView(name)
    },
    async seekTrigger(name, seek) {
      recordNamed(name)
      return seekTrigger(view, name, seek)
    },
    async dropParked(name, drop) {
      recordNamed(name)
      return dropParked(view, name, drop)
    },
    async renew({ function: functionName, trigger, expiresAfterMs }) {
      const expiresAtMs = Date.now() + expiresAfterMs
      const what = {
        ...(functionName === undefined ? {} : { function: functionName }),
        ...(trigger === undefined ? {} : { trigger }),
      }
      await registry.transact('lease', state => planRenew(state, { ...what, expiresAtMs }))
      return { function: functionName ?? null, trigger: trigger ?? null, expiresAtMs }
    },
  }
}
