import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/options.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly, told } from '../figure.ts'
import { partSeed, seededRandom, type Random } from '../random.ts'
import { inspectRecovered, knownNow, type KnownState, type RecoveredState } from './recovered-log.ts'
import { writeAndRead, workloadGroups, workloadPartitions } from './log-workload.ts'
import { SectorDisk, type DiskChange } from './sector-disk.ts'
import { WrittenLog } from './written-log.ts'

export interface PowerLossResult {
  crashPoints: number
  /** Of them, those in which the power went again while the log was recovered, or right after. */
  repeatedCrashes: number
  acknowledged: number
  /** Acknowledged and gone. */
  lost: number
  /** Served and never written, or refused before. */
  invented: number
  /** Anything else that was promised. */
  others: number
  readonly findings: string[]
}

/** Ways in which the power may go at one change of the disk. */
const lossesPerChange = 6
const appendsPerLog = 40
const maxFindings = 10

/** One log from its beginning to its end; at each change of its disk the power goes in several ways. */
export async function losePowerThroughout(
  seed: number,
  result: PowerLossResult,
  crashPoints = Infinity,
): Promise<void> {
  const random = seededRandom(seed)
  const disk = new LossyDisk(random, result, crashPoints, `seed ${seed}`)
  await disk.run()
}

class LossyDisk {
  readonly #random: Random
  readonly #result: PowerLossResult
  readonly #limit: number
  readonly #name: string
  readonly #written = new WrittenLog(workloadPartitions)
  readonly #hasSyncWrites: boolean
  #markers: number
  readonly #segmentBytes: number
  readonly #retentionBytes: number | undefined
  readonly #fullShare: number
  readonly #failsAt: number
  #changes = 0
  #nowMs = 1_700_000_000_000

  constructor(random: Random, result: PowerLossResult, limit: number, name: string) {
    this.#random = random
    this.#result = result
    this.#limit = limit
    this.#hasSyncWrites = random.chance(0.5)
    this.#name = `${name}, ${this.#hasSyncWrites ? 'O_DSYNC' : 'fdatasync'}`
    this.#markers = random.below(2 ** 32)
    this.#segmentBytes = random.pick([600, 1_500, 4_000, 1_000_000])
    this.#retentionBytes = random.chance(0.6) ? this.#segmentBytes * 2 : undefined
    this.#fullShare = random.pick([0, 0, 0.05, 0.2])
    this.#failsAt = random.chance(0.2) ? random.below(appendsPerLog) : Infinity
  }

  async run(): Promise<void> {
    const disk: SectorDisk = new SectorDisk({
      hasSyncWrites: this.#hasSyncWrites,
      onChange: change => this.#losePower(disk, change),
      failureOf: change => this.#failureOf(change),
    })
    // Two lives: what a clean stop leaves is where the next one begins.
    for (let life = 0; life < 2; life++) {
      const log = await openEmbeddedLog(this.#optionsOn(disk)).catch(() => undefined)
      if (log === undefined) return
      await writeAndRead(log, this.#written, this.#random, appendsPerLog / 2)
      await log.close()
    }
  }

  #optionsOn(files: SectorDisk): EmbeddedLogOptions {
    let ticks = 0
    return {
      directory: '/log',
      stream: 'events',
      partitionCount: workloadPartitions,
      segmentBytes: this.#segmentBytes,
      retentionMs: null,
      ...(this.#retentionBytes === undefined ? {} : { retentionBytes: this.#retentionBytes }),
      groups: workloadGroups,
      retentionIntervalMs: 0,
      tailCacheBytes: 0,
      reserveBytes: 0,
      files,
      nowMs: () => this.#nowMs++,
      monotonicMs: () => (ticks += 300),
      random32: () => (this.#markers = partSeed(this.#markers, 1)),
    }
  }

  #failureOf(change: DiskChange): 'ENOSPC' | 'EIO' | undefined {
    if (change === 'write' && this.#random.chance(this.#fullShare)) return 'ENOSPC'
    if (this.#changes >= this.#failsAt && (change === 'write' || change === 'sync')) return 'EIO'
    return undefined
  }

  async #losePower(disk: SectorDisk, change: DiskChange): Promise<void> {
    this.#changes++
    // Whoever was told before is heard before the power goes.
    for (let turn = 0; turn < 4; turn++) await new Promise(resolve => setImmediate(resolve))
    const known = knownNow(this.#written)
    for (let loss = 0; loss < lossesPerChange && this.#result.crashPoints < this.#limit; loss++)
      await this.#recover(disk, known, `${this.#name}, change ${this.#changes} (${change}), loss ${loss}`)
    this.#result.acknowledged = Math.max(this.#result.acknowledged, known.offsets.size)
  }

  async #recover(disk: SectorDisk, known: KnownState, name: string): Promise<void> {
    const random = seededRandom(partSeed(this.#changes, this.#result.crashPoints))
    const options = { hasSyncWrites: this.#hasSyncWrites }
    this.#result.crashPoints++
    // In some recoveries the power goes again, at one of the changes that they make.
    const crashesAt = random.chance(0.2) ? 1 + random.below(5) : Infinity
    let changes = 0
    const image: SectorDisk = disk.afterPowerLoss(random, {
      ...options,
      onChange: async () => {
        if (++changes === crashesAt)
          await this.#inspectAgain(image.afterPowerLoss(random, options), known, `${name}, and while recovering`)
      },
    })
    const state = await this.#inspect(image, known, name)
    if (state === undefined || !random.chance(0.3)) return
    // What was handed out after the first recovery must not be gone after a second loss of power.
    const again = await this.#inspectAgain(image.afterPowerLoss(random, options), known, `${name}, and again`)
    const kept = new Set(again?.served.map(({ partition, offset, id }) => `${partition}/${offset} ${id}`))
    for (const { partition, offset, id } of state.served)
      if (!kept.has(`${partition}/${offset} ${id}`)) this.#note(name, `others: ${id} was served once and is gone`)
  }

  #inspectAgain(image: SectorDisk, known: KnownState, name: string): Promise<RecoveredState | undefined> {
    this.#result.crashPoints++
    this.#result.repeatedCrashes++
    return this.#inspect(image, known, name)
  }

  async #inspect(disk: SectorDisk, known: KnownState, name: string): Promise<RecoveredState | undefined> {
    try {
      const state = await inspectRecovered(this.#optionsOn(disk), this.#written, known)
      for (const problem of state.problems) this.#note(name, problem)
      return state
    } catch (error) {
      this.#note(name, `others: the log cannot be opened: ${String(error)}`)
      return undefined
    }
  }

  #note(name: string, problem: string): void {
    const result = this.#result
    if (problem.startsWith('lost')) result.lost++
    else if (problem.startsWith('phantom') || problem.includes('was refused')) result.invented++
    else result.others++
    if (result.findings.length < maxFindings) result.findings.push(`${name}: ${problem}`)
  }
}

export const powerLoss = defineExperiment({
  name: 'power-loss',
  proves:
    'Whatever a loss of power at any write leaves of what was not synced, no acknowledged event is lost and none is invented.',
  full: { crashPoints: 300_000 },
  short: { crashPoints: 10_000 },
  async run({ size, seed, progress }) {
    const result = emptyResult()
    let logs = 0
    while (result.crashPoints < size.crashPoints) {
      await losePowerThroughout(partSeed(seed, logs++), result, size.crashPoints)
      progress(result.crashPoints, size.crashPoints, `${logs} logs, ${result.lost + result.invented} violations`)
    }
    return {
      figures: [
        atLeast('crash points', result.crashPoints, size.crashPoints),
        exactly('acknowledged lost', result.lost, 0),
        exactly('invented', result.invented, 0),
        exactly('other violations', result.others, 0),
        told('logs', logs),
        told('crashes of a recovery', result.repeatedCrashes),
      ],
      findings: result.findings,
    }
  },
})

export function emptyResult(): PowerLossResult {
  return { crashPoints: 0, repeatedCrashes: 0, acknowledged: 0, lost: 0, invented: 0, others: 0, findings: [] }
}
