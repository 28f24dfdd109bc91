import type { FunctionLoad } from './load.ts'
import { poisson } from './random.ts'

const binMs = 10

/** The times at which events of one function arrive, ascending, made as they are needed. */
export function* arrivalTimes(load: FunctionLoad, durationMs: number, random: () => number): Generator<number, void> {
  let due = 0
  for (let binStart = 0; binStart < durationMs; binStart += binMs) {
    const mean = Math.max(0, load.perS(binStart + binMs / 2)) * (binMs / 1000)
    if (load.arrivals === 'even') {
      const before = due
      due += mean
      for (let count = Math.floor(before) + 1; count <= due; count++) yield binStart + ((count - before) / mean) * binMs
    } else {
      const count = poisson(random, mean)
      if (count === 1) yield binStart + random() * binMs
      else if (count > 1) yield* Array.from({ length: count }, () => binStart + random() * binMs).sort((a, b) => a - b)
    }
  }
}
