import { randomUUID } from 'node:crypto'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import type { LogRecord } from '../log/log-record.ts'
import type { PartitionLog, PositionAnomaly, Subscription } from '../log/partition-log.ts'
import { applyCommand } from './apply-command.ts'
import { decodeCommand } from './command-codec.ts'
import { CommandSender } from './command-sender.ts'
import type { RegistryChange, RegistryCommand } from './registry-change.ts'
import type { RegistryState } from './registry-records.ts'
import type { Registry, RegistryListener } from './registry.ts'
import { corrupt, gap, replayCommands, type Replay } from './replay-commands.ts'
import type { SnapshotStore } from './snapshot-file.ts'
import { SnapshotWriter } from './snapshot-writer.ts'
import { emptyState, type ReplicatedState } from './state-draft.ts'

export interface LogRegistryOptions {
  /** The command log: one partition that keeps every command from `snapshots.releasedPosition` on. Not closed with the registry. */
  readonly log: PartitionLog
  readonly snapshots: SnapshotStore
  /** The group of this node, which no other node may share. Default `registry`. */
  readonly group?: string
  /** Told once when the registry fails: its state is what was applied until then, and the process should stop. */
  readonly onFatal: (error: SluiceError) => void
  /** Told of what went wrong without harm to the state. */
  readonly onWarning?: (message: string) => void
  /** Commands after which a snapshot is written. Default 1,000. */
  readonly snapshotCommands?: number
  /** Bytes of commands after which a snapshot is written. Default 4 MiB. */
  readonly snapshotBytes?: number
  /** Wall clock in ms, for the time of commands. */
  readonly now?: () => number
  /** A new id for a command. */
  readonly randomId?: () => string
}

/** Plans of one transaction before it gives up: each further one means that somebody else's command went through. */
const maxPlans = 100

/** How long {@link LogRegistry.close} waits for a transaction whose log does not answer. */
const closeGraceMs = 10_000

/**
 * Opens the registry on its command log: the newest snapshot, and the commands after it.
 * @throws {SluiceError} SLUICE_REGISTRY_CORRUPT when commands are missing or damaged, SLUICE_REGISTRY_UNKNOWN_COMMAND when a
 *   newer version of Sluice wrote one, and what the log throws.
 */
export async function openRegistry(options: LogRegistryOptions): Promise<Registry> {
  const snapshot = (await options.snapshots.load()) ?? emptyState
  const replay = await replayCommands(options.log, snapshot)
  const registry = new LogRegistry(options, replay.state, snapshot.position)
  await registry.begin(replay)
  return registry
}

/**
 *   opening ──begin()──▶ open ──close()──▶ closing ──▶ closed
 *                          └── a write failed, a command is missing, damaged or unknown ──▶ failed (for good)
 *
 * One code path for all logs: a command is appended, comes back from the subscription in its place among those of all
 * nodes, and is applied there. What a transaction resolves with was read from the durable log, never guessed. Nothing
 * depends on committed offsets but what the log may delete: reading begins at or before the state, and what the state
 * has is passed over.
 */
class LogRegistry implements Registry {
  readonly #options: LogRegistryOptions
  readonly #sender: CommandSender
  readonly #snapshots: SnapshotWriter
  readonly #listeners = new Set<RegistryListener>()
  readonly #warn: (message: string) => void
  #phase: 'opening' | 'open' | 'closing' | 'closed' | 'failed' = 'opening'
  #state: ReplicatedState
  #failure: SluiceError | undefined
  #subscription: Subscription | undefined
  #epoch = 0
  /** Ends with the last transaction that was asked for. */
  #queue: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: LogRegistryOptions, state: ReplicatedState, coveredPosition: number) {
    const { log, snapshots, snapshotCommands = 1_000, snapshotBytes = 4 * 1_048_576 } = options
    this.#options = options
    this.#state = state
    this.#warn = options.onWarning ?? (() => undefined)
    this.#sender = new CommandSender(log)
    this.#snapshots = new SnapshotWriter({
      snapshots,
      limits: { commands: snapshotCommands, bytes: snapshotBytes },
      state: () => this.#state,
      coveredPosition,
      release: position => this.#release(position),
      onWarning: this.#warn,
    })
  }

  /** Called once by {@link openRegistry}. */
  async begin({ commands, bytes }: Replay): Promise<void> {
    const { log, group = 'registry' } = this.#options
    this.#setPhase('open')
    this.#subscription = await log.subscribe(group, 'earliest', {
      assigned: epoch => (this.#epoch = epoch),
      revoked: () => undefined,
      records: (_epoch, _partition, records) => this.#take(records),
      anomaly: anomaly => this.#judge(anomaly),
      fatal: error => {
        if (error.retryable) this.#warn(`reading the commands of the registry is interrupted: ${error.message}`)
        else this.#fail(error)
      },
    })
    this.#snapshots.applied(commands, bytes)
  }

  get state(): RegistryState {
    return this.#state
  }

  listen(listener: RegistryListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  transact(by: string, plan: (state: RegistryState) => readonly RegistryChange[]): Promise<RegistryState> {
    // One at a time: within a process no plan is ever stale.
    const run = this.#queue.then(() => this.#transact(by, plan))
    this.#queue = run.catch(() => undefined)
    return run
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #transact(by: string, plan: (state: RegistryState) => readonly RegistryChange[]): Promise<RegistryState> {
    const { now = Date.now, randomId = randomUUID } = this.#options
    for (let plans = 0; plans < maxPlans; plans++) {
      this.#assertOpen()
      const before = this.#state
      const changes = plan(before)
      if (changes.length === 0) return before
      const { position: expectedPosition } = before
      const command: RegistryCommand = { format: 1, id: randomId(), atMs: now(), by, expectedPosition, changes }
      const { outcome, state } = await this.#send(command)
      if (outcome === 'applied') return state
    }
    throw new SluiceError(
      'SLUICE_REGISTRY_BUSY',
      `the registry was changed by others ${maxPlans} times while this change was made; try again`,
    )
  }

  async #send(command: RegistryCommand): ReturnType<CommandSender['send']> {
    try {
      return await this.#sender.send(command)
    } catch (error) {
      if (error instanceof SluiceError && error.code === 'SLUICE_LOG_WRITE_FAILED') this.#fail(error)
      if (this.#failure !== undefined) throw this.#failure
      if (error instanceof SluiceError && error.code === 'SLUICE_LOG_CLOSED') throw closedError()
      throw error
    }
  }

  #take(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (this.#phase !== 'open' && this.#phase !== 'closing') return
      if (record.offset < this.#state.position) continue
      try {
        this.#apply(record)
      } catch (error) {
        return this.#fail(error)
      }
    }
  }

  #apply(record: LogRecord): void {
    const before = this.#state
    if (record.offset !== before.position) throw gap(before.position, record.offset)
    const command = decodeCommand(record)
    const { state, outcome } = applyCommand(before, command)
    this.#state = state
    if (outcome === 'applied') this.#tell(command, before, state)
    this.#sender.applied(command.id, { outcome, state })
    this.#snapshots.applied(1, record.value?.length ?? 0)
  }

  #tell(command: RegistryCommand, before: RegistryState, after: RegistryState): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(command, before, after)
      } catch (error) {
        // The command is applied, whatever somebody makes of it.
        this.#warn(`a listener failed at command ${before.position} of the registry: ${messageOf(error)}`)
      }
    }
  }

  #judge({ kind, from, to }: PositionAnomaly): void {
    const { position } = this.#state
    if (kind === 'truncated') this.#fail(corrupt(from, `the command log ends before it, at ${to}`))
    else if (to > position) this.#fail(gap(Math.max(from, position), to))
    // The state has these commands: a snapshot covers them, which loses nothing but the way to do without it.
    else this.#warn(`commands ${from} to ${to - 1} of the registry are ${kind}; its state has them already`)
  }

  async #release(position: number): Promise<void> {
    await this.#subscription?.commit(this.#epoch, new Map([[0, position]]))
  }

  #assertOpen(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#phase !== 'open') throw closedError()
  }

  #setPhase(phase: 'open' | 'closing' | 'closed' | 'failed'): void {
    this.#phase = phase
  }

  #fail(thrown: unknown): void {
    if (this.#phase === 'failed' || this.#phase === 'closed') return
    this.#failure = failureOf(thrown)
    this.#setPhase('failed')
    this.#sender.fail(this.#failure)
    this.#options.onFatal(this.#failure)
  }

  async #close(): Promise<void> {
    if (this.#phase === 'open') this.#setPhase('closing')
    const timer = setTimeout(() => this.#sender.fail(closedError()), closeGraceMs)
    await this.#queue
    clearTimeout(timer)
    await this.#snapshots.finish(this.#failure === undefined)
    await this.#subscription?.close()
    if (this.#phase === 'closing') this.#setPhase('closed')
  }
}

function closedError(): SluiceError {
  return new SluiceError('SLUICE_REGISTRY_CLOSED', 'the registry is closed; the gateway is stopping')
}

/** What stops the registry, in its own words. */
function failureOf(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError && thrown.code.startsWith('SLUICE_REGISTRY_')) return thrown
  return new SluiceError(
    'SLUICE_REGISTRY_WRITE',
    `the registry failed and takes no more changes: ${messageOf(thrown)}; restart the gateway`,
    { cause: thrown },
  )
}
