import { judge } from '../chaos/checker/judge.ts'
import { violated, type Verdict } from '../chaos/checker/verdict.ts'
import { findingsOf } from '../chaos/verdict-figures.ts'
import type { EventIdentity } from '../chaos/checker/history.ts'
import { partitionFor } from '../../src/log/partitioner.ts'
import type { Simulation } from './simulation.ts'

export interface SimulationVerdict {
  /** By trigger. */
  readonly verdicts: ReadonlyMap<string, Verdict>
  /** Empty when every promise was kept. */
  readonly findings: readonly string[]
}

/** Compares what happened with what was promised, for each trigger by itself. */
export function judgeSimulation(simulation: Simulation): SimulationVerdict {
  const { scenario, sent, machine, journals, scheduler } = simulation
  const verdicts = new Map<string, Verdict>()
  const findings = [
    ...simulation.problems,
    ...scheduler.uncaught.map(error => `a task threw: ${error instanceof Error ? error.stack : String(error)}`),
  ]
  for (const { name, runs, starts, pauses } of journals.values()) {
    const letters = [...machine.tables.letters.values()].filter(({ trigger }) => trigger === name)
    const deadLetters = letters.map(({ eventId }): EventIdentity => {
      const planned = simulation.plan.get(eventId)
      return { id: eventId, key: planned?.key ?? '', sequence: planned?.sequence ?? -1 }
    })
    const verdict = judge(
      { sent, runs, deadLetters, interruptions: machine.interruptions, pauses: [], unreadable: 0 },
      {
        isOrdered: scenario.ordering !== 'none' && !scenario.isDelayed,
        partitionOf: key => partitionFor(Buffer.from(key), scenario.partitions, () => 0),
        window: scenario.maxInFlight,
        isDeduplicated: () => true,
        otherRepeats: machine.leftParked.get(name) ?? 0,
      },
    )
    // Results may still leave while a trigger is paused; calls may not begin.
    for (const { fromUs, toUs } of pauses)
      for (const { id, startUs } of starts)
        if (startUs > fromUs && startUs < toUs)
          verdict.violations.whilePaused.add(`${id} began ${startUs - fromUs} µs after the pause was confirmed`)
    verdicts.set(name, verdict)
    if (violated(verdict).length > 0) findings.push(...findingsOf(verdict).map(finding => `${name}: ${finding}`))
  }
  return { verdicts, findings }
}
