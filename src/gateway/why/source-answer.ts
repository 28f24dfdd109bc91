import type { WhyFacts, WhySource } from '../../api/views/why-view.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { Source, SourceStats } from '../../sources/source.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import type { GatewayView } from '../gateway-view.ts'
import { pauseWords } from './sentence.ts'

export interface SourceFacts {
  readonly name: string
  readonly kind: Source['kind']
  readonly stream: string | null
  readonly state: SourceStats['state']
  readonly detail: string | undefined
  readonly pause: PauseRecord | undefined
}

/**
 * Why a source takes nothing, or that it does.
 * @throws {SluiceError} SLUICE_API_NOT_FOUND, with a guess.
 */
export function answerSource(view: GatewayView, name: string): WhySource {
  const source = view.sources.get(name)
  if (source !== undefined) return decideSource(factsOf(view, name, source))
  const guess = didYouMean(name, view.sources.keys())
  throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no source ${name}${guess}`)
}

/** The sources of some streams that are paused: what they refuse never becomes an event that could be asked about. */
export function pausedSources(view: GatewayView, streams: ReadonlySet<string>): readonly WhySource[] {
  return [...view.sources]
    .map(([name, source]) => decideSource(factsOf(view, name, source)))
    .filter(({ verdict, stream }) => verdict === 'paused' && stream !== null && streams.has(stream))
}

function factsOf({ config, pauses }: GatewayView, name: string, source: Source): SourceFacts {
  const { state, detail } = source.stats()
  const stream = config.sources.get(name)?.stream ?? null
  return { name, kind: source.kind, stream, state, detail, pause: pauses.of({ kind: 'source', source: name }) }
}

/** Pure. A pause counts before whatever else keeps a source from taking events: without it they would still be refused. */
export function decideSource({ name, kind, stream, state, detail, pause }: SourceFacts): WhySource {
  const say = (verdict: WhySource['verdict'], facts: WhyFacts, text: string, next: string | null): WhySource => ({
    ...{ source: name, kind, stream, verdict },
    ...{ sentence: `source ${name} ${text}`, next, facts },
  })
  if (pause !== undefined) {
    const { reason, by, sinceMs, expiresAtMs } = pause
    const facts = { reason, by, sinceMs, ...(expiresAtMs === undefined ? {} : { untilMs: expiresAtMs }) }
    return say('paused', facts, `${pauseWords(facts)}; ${whilePaused[kind]}`, `sluice resume source ${name}`)
  }
  const problem = detail === undefined ? {} : { problem: detail }
  const because = detail === undefined ? '' : `: ${detail}`
  switch (state) {
    case 'impaired':
      return say('impaired', problem, `takes nothing now, and tries again${because}`, null)
    case 'starting':
      return say('starting', problem, `is being started${because}`, null)
    case 'stopped':
    // The pause is over, and the source is not told yet.
    case 'paused':
      return say('stopped', problem, `takes nothing: it is being stopped or started${because}`, null)
    case 'running':
      return say('taking', problem, `takes what comes${because}`, null)
  }
}

const whilePaused: Readonly<Record<Source['kind'], string>> = {
  http: 'senders are answered 503 and have to send again',
  mqtt: 'devices are disconnected and have to send again, or their own broker keeps what comes',
  kafka: 'what comes stays in its topic',
  schedule: 'its ticks are missed',
}
