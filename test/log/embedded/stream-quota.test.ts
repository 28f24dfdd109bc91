import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { DiskReserve } from '../../../src/log/embedded/disk-reserve.ts'
import type { EmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import { RecordCollector, recordOf } from '../../conformance/record-collector.ts'
import { LogDirectory } from './log-directory.ts'

/** Appends until it is refused; gives how many were taken and the refusal. */
async function fillUp(log: EmbeddedLog): Promise<{ taken: number; refusal: SluiceError }> {
  for (let taken = 0; ; taken++) {
    try {
      await log.append(0, [recordOf('x'.repeat(200))])
    } catch (error) {
      return { taken, refusal: SluiceError.from(error) }
    }
  }
}

const quota = { segmentBytes: 4_000, maxBytes: 20_000 }

describe('a stream whose quota is used up', () => {
  it('names the group that holds most of it, and how much it has left', async () => {
    await using directory = await LogDirectory.create()
    const describeGroup = (group: string): string => `trigger ${group}, paused since Monday,`
    let clock = 0
    const log = await directory.open({
      ...quota,
      groups: ['audit', 'fast'],
      describeGroup,
      monotonicMs: () => clock,
    })
    const fast = await RecordCollector.subscribe(log, 'fast', 'earliest')
    const { taken } = await fillUp(log)
    await fast.count(taken)
    await fast.commit(0, taken)
    // The groups are looked at once a second.
    clock += 1_000
    const refusal = (await fillUp(log)).refusal
    expect(refusal.code).toBe('SLUICE_LOG_FULL')
    expect(refusal.message).toMatch(
      /^stream events is full: trigger audit, paused since Monday, has 19\.\d KiB unprocessed$/,
    )
  })

  it('says so when nothing reads it', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open(quota)
    const { refusal } = await fillUp(log)
    expect(refusal.message).toContain('nothing reads it')
    expect(refusal.details['retryAfterMs']).toBe(300_000)
  })

  it('asks its senders to come back when what is in the way should be completed at the speed of its slowest group', async () => {
    await using directory = await LogDirectory.create()
    let clock = 0
    const log = await directory.open({ ...quota, monotonicMs: () => clock })
    const group = await RecordCollector.subscribe(log, 'slow', 'earliest')
    const { taken } = await fillUp(log)
    await group.count(taken)
    // Two events a second, of which the first segment has about fifteen.
    for (let done = 1; done <= 8; done++) {
      clock += 1_000
      await group.commit(0, done * 2)
      if ((await fillUp(log)).taken > 0) break
      if (done < 4) continue
      const waitMs = Number((await fillUp(log)).refusal.details['retryAfterMs'])
      expect(waitMs).toBeGreaterThanOrEqual(1_000)
      expect(waitMs).toBeLessThan(15_000)
    }
    // It stops: the longer it does, the longer the others wait.
    const waits: number[] = []
    for (let second = 0; second < 30; second++) {
      clock += 1_000
      waits.push(Number((await fillUp(log)).refusal.details['retryAfterMs']))
    }
    expect(waits.at(-1)).toBe(300_000)
    expect(waits[0]).toBeLessThan(60_000)
  })

  it('refuses alone: other streams of the same disk go on', async () => {
    await using full = await LogDirectory.create()
    await using other = await LogDirectory.create()
    const reserve = new DiskReserve({
      files: nodeFileLayer,
      directory: full.path,
      reserveBytes: 0,
      monotonicMs: () => performance.now(),
    })
    const orders = await full.open({ ...quota, stream: 'orders', groups: ['paused'], reserve })
    const metrics = await other.open({ ...quota, stream: 'metrics', reserve })
    await fillUp(orders)
    expect(await metrics.append(0, [recordOf('goes on')])).toBe(0)
    await expect(orders.append(0, [recordOf('x'.repeat(4_000))])).rejects.toMatchObject({ code: 'SLUICE_LOG_FULL' })
  })
})

describe('a disk reserve that streams share', () => {
  it('counts what all of them write, and refuses in all of them before one alone would have looked', async () => {
    await using first = await LogDirectory.create()
    await using second = await LogDirectory.create()
    let free = 10_000_000
    let asked = 0
    let clock = 0
    const files = { ...nodeFileLayer, freeBytes: () => ((asked += 1), Promise.resolve(free)) }
    const reserve = new DiskReserve({ files, directory: '/', reserveBytes: 4_000, monotonicMs: () => clock })
    const one = await first.open({ reserve })
    const two = await second.open({ stream: 'two', reserve })
    asked = 0
    free = 3_000
    clock += 100
    await one.append(0, [recordOf('x'.repeat(600))])
    expect(asked).toBe(0)
    await two.append(0, [recordOf('x'.repeat(600))])
    expect(asked).toBe(1)
    await expect.poll(() => reserve.isLow).toBe(true)
    for (const log of [one, two]) {
      const refusal = await log.append(0, [recordOf('more')]).catch(SluiceError.from)
      expect(refusal).toMatchObject({ code: 'SLUICE_LOG_FULL', retryable: true })
      expect((refusal as SluiceError).message).toContain('less than 4000 bytes are free')
    }
    // Completions are what the reserve is for.
    const group = await RecordCollector.subscribe(one, 'g', 'earliest')
    await group.count(1)
    await group.commit(0, 1)
  })
})
