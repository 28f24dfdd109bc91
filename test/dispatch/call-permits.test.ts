import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CallPermits, strictest, type PermitUser } from '../../src/dispatch/call-permits.ts'
import type { CallLimits } from '../../src/functions/function-version.ts'

/** A version with work of its own: it begins what it may as soon as it is called, and waits when it may not. */
class Version implements PermitUser {
  readonly limits: CallLimits | undefined
  wanted = 0
  readonly begun: number[] = []
  running = 0
  readonly #permits: CallPermits

  constructor(permits: CallPermits, limits?: CallLimits) {
    this.#permits = permits
    this.limits = limits
    permits.join(this)
  }

  schedule(): void {
    const calls = Math.min(this.wanted, this.#permits.free(this))
    if (calls > 0) {
      this.wanted -= calls
      this.running += calls
      for (let i = 0; i < calls; i++) this.begun.push(performance.now())
      this.#permits.take(this, calls, calls)
    }
    if (this.wanted > 0) this.#permits.wait(this)
    else this.#permits.stopWaiting(this)
  }

  want(calls: number): void {
    this.wanted += calls
    this.schedule()
  }

  end(calls: number): void {
    const ended = Math.min(calls, this.running)
    this.running -= ended
    if (ended > 0) this.#permits.release(ended)
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }))
afterEach(() => void vi.useRealTimers())

describe('the permits of a function', () => {
  it('are endless without limits', () => {
    const permits = new CallPermits()
    const version = new Version(permits)
    expect(permits.free(version)).toBe(Infinity)
    version.want(100_000)
    expect(permits.reason(version)).toBeUndefined()
    expect(permits.waitMs(1)).toBeUndefined()
  })

  it('are as many as may run at once, over all versions', () => {
    const permits = new CallPermits()
    const [stable, canary] = [new Version(permits, { maxConcurrency: 3 }), new Version(permits, { maxConcurrency: 3 })]
    stable.want(2)
    canary.want(2)
    expect([stable.running, canary.running]).toEqual([2, 1])
    expect(permits.reason(canary)).toBe('limited to 3 at once')
    stable.end(1)
    expect(canary.running).toBe(2)
    expect(permits.reason(canary)).toBeUndefined()
  })

  it('come at a rate after the burst, and whoever waits is called when the next one is there', () => {
    const permits = new CallPermits()
    const version = new Version(permits, { ratePerSecond: 10, burst: 2 })
    version.want(4)
    expect(version.begun).toHaveLength(2)
    expect(permits.reason(version)).toBe('limited to 10/s')
    expect(permits.waitMs(1)).toBe(100)
    vi.advanceTimersByTime(99)
    expect(version.begun).toHaveLength(2)
    vi.advanceTimersByTime(1)
    expect(version.begun).toHaveLength(3)
    vi.advanceTimersByTime(100)
    expect(version.begun).toHaveLength(4)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('are told of when one comes between looking for it and waiting for it', () => {
    let nowMs = 0
    const permits = new CallPermits(() => nowMs)
    const calls: number[] = []
    const user: PermitUser = { limits: { ratePerSecond: 1, burst: 1 }, schedule: () => void calls.push(nowMs) }
    permits.join(user)
    permits.take(user, 1, 1)
    permits.release(1)
    nowMs = 999.999
    expect(permits.free(user)).toBe(0)
    nowMs = 1_000
    permits.wait(user)
    expect([vi.getTimerCount(), calls]).toEqual([0, [1_000]])
  })

  it('leave no timer behind when nobody waits any more', () => {
    const permits = new CallPermits()
    const version = new Version(permits, { ratePerSecond: 1, burst: 1 })
    version.want(5)
    expect(vi.getTimerCount()).toBe(1)
    version.wanted = 0
    permits.stopWaiting(version)
    expect(vi.getTimerCount()).toBe(0)
    version.want(5)
    permits.leave(version)
    expect(vi.getTimerCount()).toBe(0)
    expect(permits.isUnused).toBe(true)
  })

  it('go to whoever waits for longest, so that a version with much to do lets the other one in', () => {
    const permits = new CallPermits()
    const limits = { ratePerSecond: 10, burst: 1 }
    const [busy, canary] = [new Version(permits, limits), new Version(permits, limits)]
    busy.want(1_000)
    canary.want(1_000)
    vi.advanceTimersByTime(10_000)
    expect(Math.abs(busy.begun.length - canary.begun.length)).toBeLessThanOrEqual(1)
  })

  it('are not kept for a version that lacks something else', () => {
    const permits = new CallPermits()
    const [stuck, other] = [new Version(permits, { maxConcurrency: 1 }), new Version(permits)]
    other.want(2)
    stuck.want(1)
    permits.stopWaiting(stuck)
    other.end(1)
    expect(other.begun).toHaveLength(2)
  })

  it('come to whoever waits behind another one that took the last token, before any call ends', () => {
    const permits = new CallPermits()
    // As dispatch does, it looks later than it is told to.
    const later = (): PermitUser & { told: number } => ({
      limits: undefined,
      told: 0,
      schedule() {
        this.told++
      },
    })
    const [first, second] = [later(), later()]
    permits.join({ ...later(), limits: { ratePerSecond: 10, burst: 1 } })
    permits.join(first)
    permits.join(second)
    permits.take(first, 1, 1)
    permits.wait(first)
    vi.advanceTimersByTime(100)
    expect(permits.free(second)).toBe(0)
    permits.wait(second)
    permits.take(first, 1, 1)
    permits.stopWaiting(first)
    const { told } = second
    vi.advanceTimersByTime(100)
    expect(second.told).toBeGreaterThan(told)
    expect(permits.free(second)).toBe(1)
  })

  it('are for copies only what nobody waits for, and never the last one', () => {
    const permits = new CallPermits()
    const version = new Version(permits, { maxConcurrency: 3 })
    expect(permits.freeToCopy).toBe(2)
    version.want(2)
    expect(permits.freeToCopy).toBe(0)
    version.want(2)
    version.end(1)
    expect([version.running, permits.freeToCopy]).toEqual([3, 0])
    expect(new CallPermits().freeToCopy).toBe(Infinity)
    const other = { limits: undefined, schedule: () => undefined }
    permits.join(other)
    permits.wait(other)
    permits.release(2)
    expect([permits.free(other), permits.freeToCopy]).toEqual([2, 0])
  })

  it('do not keep an event waiting for as long as copies wait', () => {
    const permits = new CallPermits()
    const copies = { limits: undefined, told: 0, schedule: () => void copies.told++ }
    permits.join(copies)
    const version = new Version(permits, { ratePerSecond: 10, burst: 2 })
    version.want(2)
    permits.waitToCopy(copies)
    version.want(1)
    vi.advanceTimersByTime(100)
    expect(version.begun).toHaveLength(3)
    permits.waitToCopy(copies)
    const { told } = copies
    vi.advanceTimersByTime(199)
    expect(copies.told).toBe(told)
    vi.advanceTimersByTime(1)
    expect(copies.told).toBe(told + 1)
    permits.stopWaiting(copies)
    permits.leave(version)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that are one at most set no timer for copies, which would never get it', () => {
    const permits = new CallPermits()
    const version = new Version(permits, { ratePerSecond: 1_000, burst: 1 })
    version.want(1)
    permits.waitToCopy(version)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('that were taken for calls which never began are there again', () => {
    const permits = new CallPermits()
    const version = new Version(permits, { ratePerSecond: 1, burst: 3 })
    version.want(3)
    expect(permits.free(version)).toBe(0)
    permits.release(2, 2)
    expect(permits.free(version)).toBe(2)
  })

  it('follow the strictest limits of the versions at work', () => {
    const permits = new CallPermits()
    const old = new Version(permits, { maxConcurrency: 2 })
    const next = new Version(permits, { maxConcurrency: 8, ratePerSecond: 5 })
    expect(permits.limits).toEqual({ maxConcurrency: 2, ratePerSecond: 5, burst: 5 })
    next.want(4)
    expect(next.begun).toHaveLength(2)
    permits.leave(old)
    expect(permits.limits).toEqual({ maxConcurrency: 8, ratePerSecond: 5, burst: 5 })
    expect(next.begun).toHaveLength(4)
  })

  it('never exceed concurrency or rate in any stretch of time, and never leave anybody waiting, whatever happens', () => {
    const limits = fc.record(
      {
        maxConcurrency: fc.integer({ min: 1, max: 20 }),
        ratePerSecond: fc.double({ min: 0.5, max: 500, noNaN: true }),
      },
      { requiredKeys: ['maxConcurrency', 'ratePerSecond'] },
    )
    const burst = fc.integer({ min: 1, max: 30 })
    const step = fc.record({ who: fc.nat(2), want: fc.nat(10), end: fc.nat(10), afterMs: fc.nat(400) })
    fc.assert(
      fc.property(limits, burst, fc.array(step, { maxLength: 60 }), (most, size, steps) => {
        const permits = new CallPermits()
        const versions = [0, 1, 2].map(() => new Version(permits, { ...most, burst: size }))
        for (const { who, want, end, afterMs } of steps) {
          versions[who]?.want(want)
          versions[(who + 1) % 3]?.end(end)
          vi.advanceTimersByTime(afterMs)
          expect(versions.reduce((sum, { running }) => sum + running, 0)).toBeLessThanOrEqual(most.maxConcurrency)
        }
        const begun = versions.flatMap(version => version.begun).sort((a, b) => a - b)
        for (let from = 0; from < begun.length; from++)
          for (let to = from; to < begun.length; to++) {
            const allowed = size + ((begun[to]! - begun[from]!) * most.ratePerSecond) / 1_000
            expect(to - from + 1).toBeLessThanOrEqual(allowed + 1e-6)
          }
        // Everything begins in the end, as long as calls end.
        for (let round = 0; versions.some(({ wanted }) => wanted > 0); round++) {
          expect(round).toBeLessThan(5_000)
          for (const version of versions) version.end(20)
          vi.advanceTimersByTime(2_000)
        }
        for (const version of versions) permits.leave(version)
        expect(vi.getTimerCount()).toBe(0)
      }),
    )
  })
})

describe('the strictest of several limits', () => {
  it('takes the least of each kind, and the burst of the rate that counts', () => {
    expect(strictest([undefined, undefined])).toEqual({})
    expect(
      strictest([
        { ratePerSecond: 10, burst: 100 },
        { ratePerSecond: 20, burst: 1 },
      ]),
    ).toEqual({
      ...{ ratePerSecond: 10, burst: 100 },
    })
    expect(strictest([{ ratePerSecond: 10, burst: 100 }, { ratePerSecond: 10 }])).toEqual({
      ratePerSecond: 10,
      burst: 10,
    })
    expect(strictest([{ maxConcurrency: 4 }, undefined, { maxConcurrency: 2 }])).toEqual({ maxConcurrency: 2 })
  })
})
