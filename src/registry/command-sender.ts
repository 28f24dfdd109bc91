import { setTimeout as delay } from 'node:timers/promises'
import { SluiceError } from '../errors/sluice-error.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import type { CommandOutcome } from './apply-command.ts'
import { encodeCommand } from './command-codec.ts'
import type { RegistryCommand } from './registry-change.ts'
import type { RegistryState } from './registry-records.ts'

/** What a command came to at its place in the log, and the state right after it. */
export interface AppliedCommand {
  readonly outcome: CommandOutcome
  readonly state: RegistryState
}

interface Waiter {
  resolve(applied: AppliedCommand): void
  reject(error: SluiceError): void
}

/** Pauses before a command whose fate is unknown is appended again. It has an id: in the log twice, it is applied once. */
const repeatDelaysMs = [50, 500, 2_000]

/** Appends commands and waits until each was applied. */
export class CommandSender {
  readonly #log: PartitionLog
  readonly #waiting = new Map<string, Waiter>()

  constructor(log: PartitionLog) {
    this.#log = log
  }

  /**
   * Resolves when the command came back from the log.
   * @throws {SluiceError} what the log throws; after SLUICE_LOG_UNAVAILABLE the command may be applied yet.
   */
  async send(command: RegistryCommand): Promise<AppliedCommand> {
    const applied = new Promise<AppliedCommand>((resolve, reject) => {
      this.#waiting.set(command.id, { resolve, reject })
    })
    // It may be rejected while the append is still under way.
    applied.catch(() => undefined)
    try {
      await Promise.race([applied, this.#append(command)])
      return await applied
    } finally {
      this.#waiting.delete(command.id)
    }
  }

  /** A command was applied; only its first place in the log counts. */
  applied(id: string, result: AppliedCommand): void {
    this.#waiting.get(id)?.resolve(result)
  }

  /** Nothing will be applied any more. */
  fail(error: SluiceError): void {
    for (const { reject } of this.#waiting.values()) reject(error)
  }

  async #append(command: RegistryCommand): Promise<void> {
    const record = encodeCommand(command)
    for (const delayMs of [...repeatDelaysMs, undefined]) {
      try {
        await this.#log.append(0, [record])
        return
      } catch (error) {
        const isUnknown = error instanceof SluiceError && error.code === 'SLUICE_LOG_UNAVAILABLE'
        if (!isUnknown || delayMs === undefined) throw error
        await delay(delayMs)
        if (!this.#waiting.has(command.id)) return
      }
    }
  }
}
