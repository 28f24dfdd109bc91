import { mkdirSync, rmSync } from 'node:fs'
import { open, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, exactly, told } from '../figure.ts'
import { mountTmpfs, unmount } from '../need.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial } from './trial.ts'

const mebibyte = 1_048_576
/** The gateway keeps 64 MiB for completions; there is room for some events beside them. */
const diskMebibytes = 128
/** What is left in the first stage: below the reserve, and enough for completions. */
const leftInReserve = 16 * mebibyte
const refusalsSeen = 50

interface Observed {
  refusals: number
  /** Refusals that were no 503 with Retry-After. */
  rude: number
  drained: number
  readonly acceptedAgainMs: number[]
}

export const diskFull = defineExperiment({
  name: 'disk-full',
  proves:
    'On a full disk events are refused with 503 and Retry-After, accepted ones are finished, nothing is lost, and it goes on when there is room.',
  needs: ['tmpfs'],
  full: { cycles: 20 },
  short: { cycles: 1 },
  async run({ size, seed, directory, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    const observed: Observed = { refusals: 0, rude: 0, drained: 0, acceptedAgainMs: [] }
    for (let cycle = 0; cycle < size.cycles; cycle++) {
      const disk = join(directory, `disk-${cycle}`)
      mkdirSync(disk)
      mountTmpfs(disk, diskMebibytes)
      try {
        addVerdict(sum, await fillAndFree(disk, random.below(2) === 0, observed))
      } finally {
        unmount(disk)
      }
      progress(cycle + 1, size.cycles, `${observed.refusals} refusals`)
    }
    return {
      figures: [
        exactly('cycles', size.cycles, size.cycles),
        ...verdictFigures(sum),
        atLeast('refusals', observed.refusals, size.cycles * refusalsSeen),
        exactly('refusals other than 503 with Retry-After', observed.rude, 0),
        exactly('drained with nothing left but the reserve', observed.drained, size.cycles),
        atMost('longest until events are accepted again', Math.max(...observed.acceptedAgainMs), 5_000, 'ms'),
        told('kills on a full disk', sum.counts.interruptions),
      ],
      findings: findingsOf(sum),
    }
  },
})

async function fillAndFree(disk: string, isKilled: boolean, observed: Observed) {
  await using trial = await Trial.start({ dataDir: join(disk, 'data'), functionEnvironment: { WORK_MS: '2' } })
  const ballast = join(disk, 'ballast')
  trial.sendWebhooks({
    retryMs: 50,
    padding: 'x'.repeat(1_000),
    onRefused: (status, retryAfter) => {
      observed.refusals++
      if (status !== 503 || !(Number(retryAfter) > 0)) observed.rude++
    },
  })
  trial.publishFromDevices()
  await trial.sent.waitForAcknowledged(1_000)

  await fill(ballast, disk, leftInReserve)
  await refused(observed)
  await trial.settle(30_000)
  observed.drained++

  // Room for a moment, so that a write meets the end of it, and then no room at all.
  rmSync(ballast)
  await trial.sent.waitForAcknowledged(trial.sent.acknowledged + 200)
  await fill(ballast, disk, 0)
  await refused(observed)
  if (isKilled) await trial.gateway.kill()

  rmSync(ballast)
  if (isKilled) await trial.restartKilled()
  else {
    const freedMs = performance.now()
    await trial.sent.waitForAcknowledged(trial.sent.acknowledged + 1)
    observed.acceptedAgainMs.push(performance.now() - freedMs)
  }
  await trial.sent.waitForAcknowledged(trial.sent.acknowledged + 500)
  await trial.finish()
  return await trial.judge()
}

/** Resolves when events are refused, and nothing but that. */
async function refused(observed: Observed): Promise<void> {
  const before = observed.refusals
  for (const deadline = Date.now() + 30_000; observed.refusals < before + refusalsSeen; await delay(20))
    if (Date.now() > deadline) throw new Error('nothing was refused for 30 s on a full disk')
}

/** Makes a file so large that so many bytes are left. */
async function fill(file: string, disk: string, leftBytes: number): Promise<void> {
  const handle = await open(file, 'w')
  const chunk = Buffer.alloc(mebibyte)
  try {
    for (;;) {
      const { bavail, bsize } = await statfs(disk)
      const bytes = Math.min(chunk.length, bavail * bsize - leftBytes)
      if (bytes <= 0) return
      await handle.write(chunk, 0, bytes)
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await handle.close()
  }
}
