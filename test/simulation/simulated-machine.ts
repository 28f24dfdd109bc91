import type { Interruption } from '../chaos/checker/history.ts'
import type { Random } from '../chaos/random.ts'
import type { HomeStore } from '../../src/store/home-store.ts'
import { MemoryStore, StoreTables } from './memory-store.ts'
import type { SimulatedDisk } from './simulated-files.ts'
import { SimulatedGateway, type GatewayMachine } from './simulated-gateway.ts'
import type { VirtualProcess } from './virtual-process.ts'
import type { VirtualScheduler } from './virtual-scheduler.ts'

export interface MachineOptions {
  readonly scheduler: VirtualScheduler
  readonly random: Random
  readonly disk: SimulatedDisk
  /** What the gateway is given beside its files and its store, anew for each of its lives. */
  readonly partsOf: (process: VirtualProcess) => Omit<GatewayMachine, 'files' | 'store' | 'onFatal'>
  /** Whether what a stop has finished is never repeated. */
  readonly stopsCleanly: boolean
  readonly onNote: (note: string) => void
  /** `clean` is the only kind after which nothing that was complete may be repeated. */
  readonly onEnded?: (kind: string) => void
}

/**
 * One machine with the gateway on it, which is started again whenever it has ended.
 *
 *   down ──start()──▶ opening ──▶ up ──killed, out of power, failed or stopped──▶ down
 *                        └──────────── cannot open, or killed meanwhile ────────────┘
 */
export class SimulatedMachine {
  readonly tables = new StoreTables()
  readonly interruptions: (Interruption & { readonly kind: string })[] = []
  readonly disk: SimulatedDisk
  isStoreLocked = false
  process: VirtualProcess | undefined
  gateway: SimulatedGateway | undefined
  /** Whether it is to be started again after its end. */
  restarts = true
  /** Events that were parked when the gateway ended, by trigger: what runs from the store may come from the log again. */
  readonly leftParked = new Map<string, number>()
  readonly #options: MachineOptions
  #lives = 0

  constructor(options: MachineOptions) {
    this.#options = options
    this.disk = options.disk
  }

  start(): void {
    const { scheduler, random, onNote } = this.#options
    if (this.disk.isBusy) return scheduler.post(scheduler.world, 1, () => this.start())
    const process = scheduler.start(`gateway ${++this.#lives}`)
    this.process = process
    const store = new MemoryStore({
      tables: this.tables,
      later: work => scheduler.post(process, random() * 3, work),
      isLocked: () => this.isStoreLocked,
    })
    const machine: GatewayMachine = {
      ...this.#options.partsOf(process),
      files: this.disk.filesOf(process),
      store: store as unknown as HomeStore,
      onFatal: error => scheduler.post(scheduler.world, 0, () => this.#ended(process, `fatal: ${error.message}`)),
    }
    scheduler
      .call(process, () => SimulatedGateway.open(machine))
      .then(
        gateway => {
          if (this.process !== process) return
          onNote(`${process.name} is up`)
          this.gateway = gateway
        },
        (error: unknown) => {
          if (this.process !== process) return
          this.#ended(process, `cannot open: ${String(error)}`)
        },
      )
  }

  /** The process is killed: what the kernel has been asked for goes on. */
  kill(): void {
    if (this.process !== undefined) this.#ended(this.process, 'kill')
  }

  losePower(): void {
    const process = this.process
    // Before anybody is told: what is in memory is gone, and the disk keeps what it keeps.
    process?.kill()
    this.disk.losePower()
    if (process !== undefined) this.#ended(process, 'power')
  }

  /** A clean stop with a limit. */
  async stop(drainMs: number): Promise<void> {
    const { process, gateway } = this
    if (process === undefined || gateway === undefined) return
    const { scheduler, onNote } = this.#options
    onNote(`${process.name} is told to stop within ${Math.round(drainMs)} ms`)
    const drained = await scheduler.call(process, () => gateway.close(drainMs)).catch(() => undefined)
    const isClean = drained === true && this.#options.stopsCleanly
    if (this.process === process) this.#ended(process, isClean ? 'clean' : 'forced stop')
  }

  #ended(process: VirtualProcess, kind: string): void {
    if (this.process !== process) return
    const { scheduler, random, onNote, onEnded } = this.#options
    onNote(`${process.name} ended: ${kind}`)
    onEnded?.(kind)
    process.kill()
    this.process = undefined
    this.gateway = undefined
    this.disk.faults.failureShare = 0
    for (const { trigger } of this.tables.parked.values())
      this.leftParked.set(trigger, (this.leftParked.get(trigger) ?? 0) + 1)
    this.interruptions.push({ atUs: scheduler.nowUs, isClean: kind === 'clean', kind })
    if (this.restarts) scheduler.post(scheduler.world, 5 + random() * 300, () => this.start())
  }
}
