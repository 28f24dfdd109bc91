import { SluiceError } from '../../errors/sluice-error.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { RunningTrigger } from '../fleet/trigger-fleet.ts'
import type { GatewayView } from '../gateway-view.ts'
import type { GateFacts, TriggerFacts } from './event-facts.ts'

/** A trigger, whether it runs or waits. */
export interface KnownTrigger {
  readonly name: string
  readonly record: TriggerRecord
  readonly running: RunningTrigger | undefined
  readonly facts: TriggerFacts
}

/** All triggers by name, with what keeps each of them from running. */
export function knownTriggers(view: GatewayView): readonly KnownTrigger[] {
  const { registry, triggers: fleet, pauses } = view
  const records = new Map(registry.state.triggers)
  for (const [name, { record }] of fleet.running) if (!records.has(name)) records.set(name, record)
  return [...records.values()]
    .map(record => {
      const { name, uid, definition, createdAtMs } = record
      const running = fleet.running.get(name)
      const gate =
        running === undefined
          ? waitingGate(record, fleet.waiting.get(name)?.problem, pauses.of({ kind: 'trigger', trigger: uid }))
          : runningGate(running)
      const { stream, ordering, start, sinks } = definition
      return {
        name,
        record,
        running,
        facts: { name, stream, ordering, gate, start, createdAtMs, hasSinks: sinks.length > 0 },
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** @throws {SluiceError} SLUICE_API_NOT_FOUND, with a guess. */
export function triggerNamed(triggers: readonly KnownTrigger[], name: string): KnownTrigger {
  const found = triggers.find(trigger => trigger.name === name)
  if (found !== undefined) return found
  const guess = didYouMean(
    name,
    triggers.map(trigger => trigger.name),
  )
  throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}${guess}`)
}

function runningGate({ dispatch }: RunningTrigger): GateFacts {
  const { state, pauseRecord, heldFor, problem } = dispatch
  switch (state) {
    case 'running':
      return { kind: 'open' }
    case 'pausing':
    case 'paused':
    // A probe may run, anything else waits for the end of the pause.
    case 'probing':
      return { kind: 'paused', pause: pauseRecord as PauseRecord }
    case 'disabled':
      return { kind: 'disabled', problem: heldFor ?? 'it is disabled' }
    case 'blocked':
      return { kind: 'stopped', problem: problem ?? 'something is wrong' }
    case 'stopping':
    case 'stopped':
      return { kind: 'stopped', problem: 'it is being stopped or changed' }
  }
}

function waitingGate(record: TriggerRecord, problem: string | undefined, pause: PauseRecord | undefined): GateFacts {
  if (pause !== undefined) return { kind: 'paused', pause }
  if (!record.definition.enabled) return { kind: 'disabled', problem: 'the trigger is disabled' }
  return { kind: 'stopped', problem: problem ?? 'it is being started' }
}
