import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { OutgoingResult, Sink } from '../../src/sinks/sink.ts'
import type { VirtualProcess } from './virtual-process.ts'
import type { VirtualScheduler } from './virtual-scheduler.ts'

/** The far end of a sink: takes a result, or refuses it now or for good. */
export type FarEnd = (result: OutgoingResult) => 'taken' | 'away' | 'refused'

/** A sink whose results reach the world after a while, and whose answers reach the process if it still lives. */
export function simulatedSink(
  name: string,
  scheduler: VirtualScheduler,
  process: VirtualProcess,
  farEnd: FarEnd,
  latencyMs: () => number,
): Sink {
  return {
    name,
    kind: 'http',
    start: () => Promise.resolve(),
    deliver: result =>
      new Promise((resolve, reject) => {
        scheduler.post(scheduler.world, latencyMs(), () => {
          // A connection ends with its process, and with it what is on its way.
          if (process.isDead) return
          const answer = farEnd(result)
          scheduler.post(process, latencyMs(), () => {
            if (answer === 'taken') resolve()
            else if (answer === 'away') reject(new SluiceError('SLUICE_SINKS_UNAVAILABLE', 'the far end is away'))
            else reject(new SluiceError('SLUICE_SINKS_REJECTED', 'the far end refuses the result'))
          })
        })
      }),
    health: () => ({ ready: true }),
    close: () => Promise.resolve(),
  }
}
