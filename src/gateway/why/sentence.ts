import type { WhyAnswer, WhyFacts } from '../../api/views/why-view.ts'
import type { Decision } from './event-verdict.ts'

/** What a sentence is about, in words, and what it may name. */
export interface SentenceSubject {
  readonly trigger: string
  readonly stream: string
  readonly partition: number | null
  readonly functionRef: string
  /** What the event shares its order with. */
  readonly order: 'key' | 'partition' | 'none'
}

type Words = Pick<WhyAnswer, 'sentence' | 'next'>

/** `event 42 of key c7 (orders/3, offset 4711)`. */
export function eventWords(
  id: string | undefined,
  key: string,
  place: { readonly stream: string; readonly partition: number; readonly offset: number },
): string {
  const { stream, partition, offset } = place
  const name = id === undefined ? 'the event' : `event ${id}`
  return `${name}${key === '' ? '' : ` of key ${key}`} (${stream}/${partition}, offset ${offset})`
}

/** One sentence for a decision, and what could be done about it. Times are written by {@link timeWords}. */
export function sentenceOf(about: string, subject: SentenceSubject, decision: Decision): Words {
  const { trigger } = subject
  const { redrive } = decision.facts
  const { text, next } = clauseOf(subject, decision)
  if (redrive === undefined) return { sentence: `${trigger}: ${about} ${text}`, next: next ?? null }
  return {
    sentence: `${trigger}: ${about.replace(/,$/, '')}, which redrive ${redrive} runs again, ${text}`,
    next: next ?? `sluice dead-letters watch ${trigger} ${redrive}`,
  }
}

/** ISO 8601 in UTC to the second: whoever shows it makes local time of it. */
export const timeWords = (atMs: number): string =>
  new Date(Math.floor(atMs / 1000) * 1000).toISOString().replace('.000Z', 'Z')

interface Clause {
  readonly text: string
  readonly next?: string
}

function clauseOf(subject: SentenceSubject, { verdict, facts }: Decision): Clause {
  const { trigger, stream, partition, functionRef, order } = subject
  const place = `${stream}/${partition}`
  switch (verdict) {
    case 'running':
      return { text: `is running${inVersion(facts)}${since(facts)}: ${attempt(facts)}${lastError(facts)}` }
    case 'worker-starting':
      return {
        text: `waits for a worker${inVersion(facts, 'of')} that is starting${detail(facts.problem ?? facts.scaling)}`,
      }
    case 'publishing':
      return { text: 'was handled; its results are on their way to the sinks' }
    case 'sink-refuses':
      return {
        text:
          facts.ahead === undefined
            ? 'was handled, but a sink refuses its results; they are sent again'
            : 'waits until the results of the event before it are out: a sink refuses them, and they are sent again',
        next: 'sluice sinks tells which sink is not ready',
      }
    case 'burying':
      return {
        text:
          facts.ahead === undefined
            ? 'has no attempt left; its dead letter is being written'
            : 'waits until the dead letter of the event before it is written',
      }
    case 'leaving':
      return { text: 'was handled; what came of it is being stored or sent' }
    case 'next':
      return { text: `is ready and starts next: ${attempt(facts)}${inVersion(facts, 'by')}` }
    case 'no-worker':
      return noWorker(facts)
    case 'no-permit':
      return { text: `is ready and waits for a permit: ${noPermit(facts)}` }
    case 'no-version':
      return {
        text: `waits for a version that can run it: ${facts.problem}`,
        next: `deploy ${functionRef}, or point the trigger elsewhere: sluice triggers update ${trigger} --function <function>`,
      }
    case 'retry-waits':
      return {
        text: `failed and waits for ${attempt(facts)}${due(facts)}${lastError(facts)}${order === 'none' ? '' : `; later events of its ${order} wait for it`}`,
      }
    case 'behind':
      return {
        text: `waits behind offset ${facts.behind?.offset} of its ${order === 'none' ? 'key' : order}, ${behind(facts.behind)}${others(facts)}`,
      }
    case 'parked':
      return facts.behind === undefined
        ? {
            text: `is parked: ${attempt(facts)} ${facts.dueAtMs === undefined ? 'comes next' : `is${due(facts)}`}${lastError(facts)}`,
          }
        : { text: `is parked behind offset ${facts.behind.offset} of its key, ${behind(facts.behind)}` }
    case 'not-taken':
      return facts.offset === undefined
        ? { text: `was not read yet: ${events(facts.ahead ?? 0)} of ${place} before it come first` }
        : {
            text: `was not read yet: ${events(facts.ahead ?? 0)} of ${place} before it come first, and as many as maxInFlight allows are under way since offset ${facts.offset}`,
            next: `sluice why ${place}/${facts.offset} tells what holds up the partition`,
          }
    case 'paused':
      return pausedClause(trigger, facts)
    case 'disabled':
      return { text: `waits because ${facts.problem}`, next: enabling(subject, facts) }
    case 'stopped':
      return { text: `waits because ${trigger} cannot run: ${facts.problem}` }
    case 'not-assigned':
      return {
        text: `waits because this gateway does not read ${partition === null ? stream : place} now: the partition is with another node, or the group is being joined`,
        next: 'sluice sources tells whether Kafka is reachable',
      }
    default:
      return settledClause(subject, verdict, facts)
  }
}

/** What needs no waiting any more, and what is about no single event. */
function settledClause(
  { trigger, stream, partition }: SentenceSubject,
  verdict: Decision['verdict'],
  facts: WhyFacts,
): Clause {
  const place = `${stream}/${partition}`
  switch (verdict) {
    case 'done':
      return { text: `is done${doneBecause(place, facts)}` }
    case 'dead-letter':
      return {
        text: `is a dead letter since ${timeWords(facts.atMs ?? 0)}: ${deadLetter(facts)}`,
        next: `sluice dead-letters show ${trigger} ${facts.deadLetter}`,
      }
    case 'filtered':
      return { text: `is not for this trigger: its filter does not let it through (${facts.filter})` }
    case 'skipped':
      return { text: `is skipped: ${facts.problem}` }
    case 'before-start':
      return { text: 'came before the trigger began, which starts behind it' }
    case 'expired':
      return {
        text: `is lost for the trigger: retention has taken it before it was read; ${place} begins at offset ${facts.offset}`,
      }
    case 'missing':
      return { text: 'is not in the log: it is damaged, or compaction took it; the trigger steps over it' }
    case 'not-accepted':
      return { text: `is not there yet: the next event of ${place} gets offset ${facts.offset}` }
    case 'idle':
      return { text: `has nothing to do: every event of ${stream} is complete` }
    case 'at-work':
      return { text: `is at work: ${events(facts.lag ?? 0)} to go` }
    case 'nothing-waits':
      return {
        text:
          facts.ahead === undefined || facts.ahead === 0
            ? 'has nothing that waits'
            : `has nothing that waits in memory or is parked; ${events(facts.ahead)} of its partition are not read yet`,
      }
    default:
      return { text: verdict }
  }
}

function pausedClause(trigger: string, facts: WhyFacts): Clause {
  const { paused } = facts
  // `key price-orders c7` is what the command line takes; people are told of the key c7.
  const [kind = '', owner = '', ...rest] = (paused ?? '').split(' ')
  const what = paused === undefined ? trigger : kind === 'version' ? owner : `${kind} ${rest.join(' ')}`
  const text = `waits because ${what} ${pauseWords(facts)}`
  return { text, next: `sluice resume ${paused === undefined ? trigger : quoted(paused, rest)}` }
}

/** `was paused by ada at 2026-03-01T14:00:58Z: a database is moved`. */
export function pauseWords({ reason, by, sinceMs = 0, untilMs }: WhyFacts): string {
  const end = untilMs === undefined ? '' : `, until ${timeWords(untilMs)}`
  return `was paused by ${by} at ${timeWords(sinceMs)}${end}: ${reason}`
}

/** A key may be anything, and a shell takes some of it as its own. */
function quoted(target: string, rest: readonly string[]): string {
  const last = rest.join(' ')
  if (/^[\w.@/:-]*$/.test(last)) return target
  return `${target.slice(0, target.length - last.length)}'${last.replaceAll("'", "'\\''")}'`
}

function noWorker(facts: WhyFacts): Clause {
  const { version, problem, workers = 0, ready = 0, scaling } = facts
  if (problem !== undefined) {
    const name = version?.split('@', 1)[0]
    return {
      text: `waits for a worker of ${version}, which cannot start one: ${problem}`,
      next: `sluice logs ${name} tells more; it is tried again by itself`,
    }
  }
  if (workers === 0) return { text: `waits for a permit: ${version} may have no worker now${detail(scaling)}` }
  const busy = workers === 1 ? 'the worker' : `all ${workers} workers`
  return {
    text: `is ready and waits for a worker: ${busy} of ${version} ${workers === 1 ? 'is' : 'are'} busy, ${events(ready)} ready${detail(scaling)}`,
  }
}

function noPermit({ version, limit, ready = 0, dueAtMs }: WhyFacts): string {
  const next =
    dueAtMs === undefined ? 'the next one comes when a call ends' : `the next one comes at ${timeWords(dueAtMs)}`
  return `function ${version?.split('@', 1)[0]} is ${limit}, ${events(ready)} ready; ${next}`
}

const attempt = ({ attempt: number, maxAttempts }: WhyFacts): string =>
  maxAttempts === undefined ? `attempt ${number}` : `attempt ${number} of ${maxAttempts}`

const inVersion = ({ version }: WhyFacts, word = 'in'): string => (version === undefined ? '' : ` ${word} ${version}`)

const since = ({ sinceMs }: WhyFacts): string => (sinceMs === undefined ? '' : ` since ${timeWords(sinceMs)}`)

const due = ({ dueAtMs }: WhyFacts): string => (dueAtMs === undefined ? '' : ` due at ${timeWords(dueAtMs)}`)

const detail = (text: string | undefined): string => (text === undefined ? '' : ` (${text})`)

const events = (count: number): string => `${count} event${count === 1 ? '' : 's'}`

const others = ({ ahead = 1 }: WhyFacts): string => (ahead > 1 ? `, and ${events(ahead - 1)} after that` : '')

const errorWords = ({ reason, message }: NonNullable<WhyFacts['failure']>): string =>
  reason === 'error' ? oneLine(message) : `${reason}: ${oneLine(message)}`

const lastError = ({ failure }: WhyFacts): string => (failure === undefined ? '' : ` (${errorWords(failure)})`)

function behind(head: WhyFacts['behind']): string {
  if (head === undefined) return ''
  const tried = head.attempt === undefined ? '' : attempt(head as WhyFacts)
  const error = head.failure === undefined ? '' : ` (${errorWords(head.failure)})`
  switch (head.state) {
    case 'running':
      return `which is running: ${tried}${error}`
    case 'retry-waits':
    case 'parked':
      return head.dueAtMs === undefined
        ? `whose ${tried} comes next${error}`
        : `whose ${tried} is due at ${timeWords(head.dueAtMs)}${error}`
    case 'no-version':
      return 'which no version can run'
    case 'ready':
      return `whose ${tried} is ready and waits for a worker${error}`
    case 'sink-refuses':
      return 'and a sink refuses the results of one before it'
    case 'burying':
      return 'and the dead letter of one before it is being written'
  }
}

function deadLetter({ attempt: attempts = 0, failure, stage }: WhyFacts): string {
  const error = failure === undefined ? 'it failed' : errorWords(failure)
  const where = stage === 'handler' ? '' : `${stage}: `
  return attempts === 0
    ? `${where}${error}`
    : `${where}${attempts} failed attempt${attempts === 1 ? '' : 's'}, the last with ${error}`
}

function doneBecause(place: string, { offset, problem }: WhyFacts): string {
  const committed = offset === undefined ? '' : `: the trigger is through with ${place} up to offset ${offset}`
  return problem === undefined ? committed : `${committed}${committed === '' ? ':' : ','} ${problem}`
}

const enabling = ({ trigger, functionRef }: SentenceSubject, { problem = '' }: WhyFacts): string =>
  problem.startsWith('function ')
    ? `sluice functions enable ${functionRef.split('@', 1)[0]}`
    : `sluice triggers update ${trigger} --enabled`

/** At most a line: messages of functions may be long. */
function oneLine(text: string): string {
  const [line = ''] = text.split('\n', 1)
  return line.length > 200 ? `${line.slice(0, 199)}…` : line
}
