import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { Context, SluiceEvent } from '../workers/handler-types.ts'
import { parseCapture, problem, type CapturedLine } from './capture-file.ts'
import {
  prepareAttempt,
  recordedOutcome,
  surroundingsOf,
  type RecordedOutcome,
  type ReplaySurroundings,
} from './captured-event.ts'

/** An event of a capture, as a fixture: what a handler gets, and what it gave when it was recorded. */
export interface CapturedEvent {
  readonly id: string
  readonly key: string | undefined
  readonly stream: string
  readonly partition: number
  readonly offset: number
  /** What became of it in each trigger that had it. */
  readonly recorded: readonly RecordedOutcome[]
  /**
   * The two arguments of a handler, made as a worker makes them, with the number of the attempt that was recorded last.
   * Each call makes new ones.
   * @param trigger whose recorded attempt it is. Default: the first one that ran it.
   */
  invocation(
    surroundings?: ReplaySurroundings & { readonly trigger?: string },
  ): readonly [event: SluiceEvent, context: Context]
}

export interface Capture {
  readonly capturedAtMs: number
  /** In the order of the file: oldest first. */
  readonly events: readonly CapturedEvent[]
}

/**
 * Reads a file of `sluice capture`, as a fixture for tests:
 *
 *   for (const captured of readCapture(new URL('orders.jsonl', import.meta.url)).events)
 *     it(captured.id, async () => {
 *       expect(await handler(...captured.invocation())).toEqual(captured.recorded[0]?.results[0]?.value)
 *     })
 *
 * @throws {SluiceError} SLUICE_REPLAY_CAPTURE for a file that cannot be read or is no capture, with the line.
 */
export function readCapture(file: string | URL): Capture {
  const name = file instanceof URL ? fileURLToPath(file) : file
  const { capturedAtMs, lines } = parseCapture(textOf(name), name)
  return { capturedAtMs, events: lines.map((line, index) => capturedEvent(line, name, index + 2)) }
}

export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new SluiceError('SLUICE_REPLAY_CAPTURE', `${file} cannot be read: ${messageOf(error)}`, { cause: error })
  }
}

function capturedEvent(line: CapturedLine, name: string, number: number): CapturedEvent {
  const { stream, partition, offset, event } = line
  const recorded = line.triggers.map(recordedOutcome)
  return {
    id: event.id,
    key: event.partitionkey,
    ...{ stream, partition, offset, recorded },
    invocation({ trigger, ...surroundings } = {}) {
      const own = recorded.find(one => (trigger === undefined ? one.outcome !== 'unknown' : one.trigger === trigger))
      const [functionName = 'function', version = 'latest'] = own?.version?.split('@') ?? []
      const around = surroundingsOf({ function: functionName, version }, surroundings)
      try {
        const prepared = prepareAttempt(line, trigger ?? own?.trigger ?? '', own?.attempt ?? 1, around)
        return [prepared.event, prepared.context]
      } catch (error) {
        throw problem(name, number, `the event cannot be made: ${messageOf(error)}`)
      }
    },
  }
}
