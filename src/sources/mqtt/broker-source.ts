import { SluiceError } from '../../errors/sluice-error.ts'
import type { Source, SourceState, SourceStats } from '../source.ts'
import type { PauseRecord } from '../../store/home-store.ts'
import { pauseDetail, pausedError } from '../source-pause.ts'
import type { EmbeddedBroker } from './broker.ts'
import { PublicationFeed, type PublicationFeedOptions } from './publication-feed.ts'
import type { BrokerRoute } from './publication-router.ts'
import { topicFilterProblem } from './topic-filter.ts'

export interface BrokerSourceOptions extends Omit<PublicationFeedOptions, 'stalled'> {
  readonly broker: EmbeddedBroker
  readonly topics: readonly string[]
  readonly forward: boolean
}

/**
 * An MQTT source on the embedded broker. The broker is started and stopped by whoever owns it; a source that is not
 * started refuses what is published to its topics, as no source at all would.
 * @throws {SluiceError} SLUICE_MQTT_CONFIG for an invalid topic filter.
 */
export function createBrokerSource(options: BrokerSourceOptions): Source {
  for (const filter of options.topics) {
    const problem = topicFilterProblem(filter)
    if (problem !== undefined) throw new SluiceError('SLUICE_MQTT_CONFIG', `source ${options.source}: ${problem}`)
  }
  return new BrokerSource(options)
}

/**
 *   stopped ──start()──▶ running ⇄ impaired (the log refuses) ──stop()──▶ stopped
 *                          ⇅ pause(), resume()
 *                        paused: a publication with QoS 1 or 2 ends its connection, one with QoS 0 is dropped
 */
class BrokerSource implements Source {
  readonly name: string
  readonly kind = 'mqtt'
  readonly #options: BrokerSourceOptions
  readonly #route: BrokerRoute
  #state: SourceState = 'stopped'
  #pause: PauseRecord | undefined

  constructor(options: BrokerSourceOptions) {
    this.name = options.source
    this.#options = options
    const feed = new PublicationFeed({
      ...options,
      stalled: error => {
        if (this.#state !== 'stopped') this.#setState(error === undefined ? 'running' : 'impaired')
      },
    })
    const refusal = (): SluiceError | undefined =>
      this.#pause === undefined
        ? undefined
        : pausedError('SLUICE_MQTT_SOURCE_PAUSED', options.source, this.#pause, Date.now())
    this.#route = {
      source: options.source,
      feed,
      forward: options.forward,
      get refusal() {
        return refusal()
      },
    }
  }

  get state(): SourceState {
    return this.#state !== 'stopped' && this.#pause !== undefined ? 'paused' : this.#state
  }

  start(): Promise<void> {
    if (this.#state === 'stopped') {
      this.#options.broker.attach(this.#options.topics, this.#route)
      this.#setState('running')
    }
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    this.#options.broker.detach(this.#route)
    this.#setState('stopped')
    await this.#route.feed.drain()
  }

  /** What is on its way into the stream is acknowledged when it is durable. */
  async pause(pause: PauseRecord): Promise<void> {
    this.#pause = pause
    await this.#route.feed.drain()
  }

  resume(): Promise<void> {
    this.#pause = undefined
    return Promise.resolve()
  }

  stats(): SourceStats {
    const { counts, refusal } = this.#route.feed
    const detail = this.#pause === undefined ? refusal?.message : pauseDetail(this.#pause)
    return {
      state: this.state,
      accepted: counts.accepted,
      duplicates: counts.duplicates,
      refused: { ...counts.refused },
      ...(detail === undefined ? {} : { detail }),
    }
  }

  #setState(state: SourceState): void {
    this.#state = state
  }
}
