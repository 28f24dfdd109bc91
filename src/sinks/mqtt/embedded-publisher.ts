import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { Publisher } from './publisher.ts'

/** Publishes to the subscribers of the embedded broker; see `EmbeddedBroker.publish`. */
export type PublishToSubscribers = (
  topic: string,
  payload: Buffer,
  options: { qos: 0 | 1 | 2; retain: boolean },
) => Promise<void>

/**
 * The embedded broker as a destination. Resolves when the message was handed to the subscribers that are connected; the
 * broker's sessions and retained messages are in memory, so **this is not durable**: a subscriber that is away while the
 * gateway restarts never gets it. Use an external broker where that matters.
 */
export function createEmbeddedPublisher(name: string, publish: PublishToSubscribers): Publisher {
  let problem: string | undefined
  let isClosed = false
  return {
    protocolVersion: 4,
    start: () => Promise.resolve(),
    async publish(topic, { payload }, { qos, retain }) {
      if (isClosed) throw new SluiceError('SLUICE_SINKS_CLOSED', `the sink ${name} is closed`)
      try {
        await publish(topic, payload, { qos, retain })
        problem = undefined
      } catch (thrown) {
        problem = messageOf(thrown)
        throw SluiceError.from(thrown, 'SLUICE_SINKS_UNAVAILABLE')
      }
    },
    health: () =>
      isClosed
        ? { ready: false, detail: 'closed' }
        : problem === undefined
          ? { ready: true }
          : { ready: false, detail: problem },
    close() {
      isClosed = true
      return Promise.resolve()
    },
  }
}
