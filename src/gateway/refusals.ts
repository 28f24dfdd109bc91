import type { SluiceError } from '../errors/sluice-error.ts'

/** Why a call was not begun, by the code of its error; anything else is no refusal. Few words: each is a time series. */
const reasons: Readonly<Record<string, string>> = {
  SLUICE_DISPATCH_LIMITED: 'limited',
  SLUICE_DISPATCH_OVERLOADED: 'overloaded',
  SLUICE_DISPATCH_STOPPED: 'stopped',
  SLUICE_FUNCTIONS_DISABLED: 'disabled',
  SLUICE_FUNCTIONS_PAUSED: 'paused',
  SLUICE_WORKERS_QUARANTINED: 'quarantined',
}

/** Counts synchronous invocations that were refused, by function and reason. */
export class Refusals {
  readonly #counts = new Map<string, Map<string, number>>()

  refused(functionName: string, { code }: SluiceError): void {
    const reason = reasons[code]
    if (reason === undefined) return
    const counts = this.#counts.get(functionName) ?? new Map<string, number>()
    this.#counts.set(functionName, counts)
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }

  /** Those of functions that exist; the others are forgotten. */
  *read(exists: (functionName: string) => boolean) {
    for (const [name, counts] of this.#counts) {
      if (!exists(name)) this.#counts.delete(name)
      else for (const [reason, count] of counts) yield [{ function: name, reason }, count] as const
    }
  }
}
