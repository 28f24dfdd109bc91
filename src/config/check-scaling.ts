import type { DefinitionProblem } from './check-definition.ts'
import type { ScalingSection } from './sections/scaling.ts'

/**
 * Where the fields of a scaling policy contradict each other; paths begin inside of the policy. Ranges of single fields
 * are the schema's. Whether the machine can bear the warm minimum of all functions together is another question
 * (`checkWarmMinimum` in the controller). Pure.
 */
export function checkScaling(scaling: ScalingSection): DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const problem = (path: readonly string[], message: string) => void problems.push({ path, message })
  const { minWorkers, maxWorkers, activationLagThreshold = 0, warmWindows = [] } = scaling
  if (maxWorkers !== undefined && minWorkers > maxWorkers) {
    problem(['minWorkers'], `${minWorkers} is above scaling.maxWorkers (${maxWorkers})`)
  }
  if (activationLagThreshold > 0 && minWorkers > 0) {
    problem(
      ['activationLagThreshold'],
      `never has an effect: it delays the first worker, and scaling.minWorkers keeps ${minWorkers} running`,
    )
  }
  for (const [index, window] of warmWindows.entries()) {
    const path = ['warmWindows', String(index)]
    if (maxWorkers !== undefined && window.minWorkers > maxWorkers) {
      problem([...path, 'minWorkers'], `${window.minWorkers} is above scaling.maxWorkers (${maxWorkers})`)
    }
    if (window.minWorkers <= minWorkers) {
      problem(
        [...path, 'minWorkers'],
        `${window.minWorkers} adds nothing to scaling.minWorkers, which is ${minWorkers} at all times`,
      )
    }
    if (window.from === window.to) {
      problem([...path, 'to'], `is the same as from (${window.from}); a whole day is 00:00 to 24:00`)
    }
    if (!isTimeZone(window.timezone)) {
      problem([...path, 'timezone'], `'${window.timezone}' is no time zone; use an IANA name such as Europe/Berlin`)
    }
  }
  return problems
}

function isTimeZone(name: string): boolean {
  // Node takes offsets, too; they know no daylight saving, so they hardly ever are what is meant.
  if (/^[+-]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}
