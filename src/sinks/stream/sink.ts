import { SluiceError } from '../../errors/sluice-error.ts'
import { checkSink, checkStream } from '../check-policy.ts'
import type { OutgoingResult, Sink, SinkHealth } from '../sink.ts'

export interface StreamSinkOptions {
  readonly name: string
  /** The home stream that results enter. */
  readonly stream: string
  /** Puts events into a home stream: the same intake that sources use, so that a repeated result is recognised by its id. */
  readonly append: (result: Pick<OutgoingResult, 'header' | 'value'>) => Promise<void>
}

/** Results become events of a home stream and so the input of another function; a chain is effectively once by its ids. */
export function createStreamSink(options: StreamSinkOptions): Sink {
  let lastError: string | undefined
  return {
    name: options.name,
    kind: 'stream',
    destination: options.stream,
    start: () => Promise.resolve(),
    async deliver({ header, value, policy }: OutgoingResult): Promise<void> {
      checkSink(policy, options.name)
      checkStream(policy, options.name, options.stream)
      try {
        await options.append({ header, value })
        lastError = undefined
      } catch (thrown) {
        const error = SluiceError.from(thrown)
        // A result that is refused for itself says nothing about the stream.
        lastError = error.retryable ? error.message : undefined
        throw error
      }
    },
    health: (): SinkHealth => (lastError === undefined ? { ready: true } : { ready: false, detail: lastError }),
    close: () => Promise.resolve(),
  }
}
