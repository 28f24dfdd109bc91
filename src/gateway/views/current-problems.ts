import type { GatewayHealth, SourceView } from '../../api/views/gateway-view.ts'
import type { Problem } from '../../api/views/overview-view.ts'
import type { ScaledVersionView } from '../../api/views/scaling-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'

/** What the problems are found in. */
export interface Condition {
  readonly health: GatewayHealth
  readonly isDiskLow: boolean
  readonly sources: readonly SourceView[]
  /** How full each home stream is, 0 to 1. */
  readonly fill: ReadonlyMap<string, number>
  readonly triggers: readonly TriggerView[]
  readonly versions: readonly ScaledVersionView[]
}

/** From this share of its quota on, a stream is nearly full. */
const nearlyFull = 0.8

const rank = { critical: 0, warning: 1, notice: 2 } as const

/**
 * Everything that somebody who was woken up wants to know first, the worst first: what does not run, what refuses, what
 * piles up, and what was paused on purpose. Pure.
 */
export function currentProblems(condition: Condition): Problem[] {
  const problems = [
    ...gatewayProblems(condition),
    ...condition.sources.flatMap(sourceProblems),
    ...streamProblems(condition.fill),
    ...condition.triggers.flatMap(triggerProblems),
    ...condition.versions.flatMap(versionProblems),
  ]
  // Stable: within a rank they stay in the order of the journey.
  return problems.sort((a, b) => rank[a.severity] - rank[b.severity])
}

function gatewayProblems({ health, isDiskLow }: Condition): Problem[] {
  const problems: Problem[] = []
  for (const { name, state, ready, detail } of health.parts) {
    if (ready) continue
    const [kind, part = ''] = name.split(/:(.*)/s, 2)
    // Sources, triggers and functions are told of with more words below.
    if (kind !== 'gateway' && kind !== 'sink') continue
    const sentence =
      kind === 'sink' ? `It cannot deliver: ${detail ?? state}.` : `The gateway is ${state}${because(detail)}.`
    problems.push({ severity: 'critical', kind, name: part, sentence: ended(sentence) })
  }
  if (isDiskLow)
    problems.push({
      severity: 'critical',
      kind: 'gateway',
      name: '',
      sentence: 'The disk is nearly full: new events are refused until there is room; accepted ones go on.',
    })
  return problems
}

function sourceProblems({ name, state, detail }: SourceView): Problem[] {
  const problem = (severity: Problem['severity'], sentence: string): Problem[] => [
    { severity, kind: 'source', name, sentence: ended(sentence) },
  ]
  switch (state) {
    case 'impaired':
    case 'stopped':
      return problem('critical', `It takes nothing: ${detail ?? state}`)
    case 'paused':
      return problem('notice', `It is paused and refuses events${because(detail)}`)
    case 'starting':
    case 'running':
    case 'disabled':
      return []
  }
}

function streamProblems(fill: ReadonlyMap<string, number>): Problem[] {
  return [...fill]
    .filter(([, share]) => share >= nearlyFull)
    .map(([name, share]) => ({
      severity: share >= 1 ? ('critical' as const) : ('warning' as const),
      kind: 'stream' as const,
      name,
      sentence:
        share >= 1
          ? 'It is full and refuses events: resume what reads it, or raise its maxBytes.'
          : `It is ${Math.floor(share * 100)} % full; when it is full, new events are refused.`,
    }))
}

function triggerProblems(trigger: TriggerView): Problem[] {
  const problems: Problem[] = []
  const add = (severity: Problem['severity'], sentence: string, sinceMs?: number): void => {
    const since = sinceMs === undefined ? {} : { sinceMs }
    problems.push({ severity, kind: 'trigger', name: trigger.name, sentence: ended(sentence), ...since })
  }
  const { state, detail, problem, paused, deadLetters, parkedKeys, parkedEvents, lag } = trigger
  if (state === 'stopped') add('critical', `It is stopped: ${detail ?? problem ?? 'see its log'}`)
  else if (problem !== null) add('warning', `Its events wait: ${problem}`)
  if (trigger.breaker !== null && trigger.breaker.state !== 'closed') {
    const { failures, attempts } = trigger.breaker
    add('critical', `Its circuit breaker is open: ${failures} of ${attempts} attempts failed`, paused?.sinceMs)
  } else if (paused !== null) {
    add('notice', `It is ${state} by ${paused.by}: ${paused.reason}`, paused.sinceMs)
  }
  if (deadLetters > 0)
    add(
      'warning',
      `${counted(deadLetters, 'event')} could not be processed and ${deadLetters === 1 ? 'is a dead letter' : 'are dead letters'}`,
    )
  if (parkedKeys > 0)
    add('warning', `${counted(parkedKeys, 'key')} with ${counted(parkedEvents, 'event')} wait aside after failures`)
  // Only of those that run: a trigger that is away has no lag to know.
  if (lag === null && state === 'running') add('warning', 'Its lag is not known: its broker does not answer')
  return problems
}

function versionProblems({ function: name, version, state, problem }: ScaledVersionView): Problem[] {
  if (state !== 'quarantined') return []
  const sentence = ended(`Version ${version} cannot start${because(problem ?? undefined)}`)
  return [{ severity: 'critical', kind: 'function', name, sentence }]
}

const because = (detail: string | undefined): string => (detail === undefined ? '' : `: ${detail}`)

const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`

/** A sentence ends with one full stop, whatever the message in it ended with. */
const ended = (sentence: string): string => `${sentence.replace(/[.\s]+$/, '')}.`
