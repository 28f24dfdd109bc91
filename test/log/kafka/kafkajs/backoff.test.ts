import { describe, expect, it } from 'vitest'
import { Backoff, wait, within } from '../../../../src/log/kafka/kafkajs/backoff.ts'

describe('a backoff', () => {
  it('doubles up to its maximum and begins anew after a reset', () => {
    const backoff = new Backoff(100, 700, () => 1)
    expect([1, 2, 3, 4, 5].map(() => backoff.nextMs())).toEqual([100, 200, 400, 700, 700])
    backoff.reset()
    expect(backoff.nextMs()).toBe(100)
  })

  it('spreads over the upper half', () => {
    expect(new Backoff(100, 700, () => 0).nextMs()).toBe(50)
  })
})

describe('waiting', () => {
  it('ends at once when it is aborted, before or meanwhile', async () => {
    await wait(1e6, AbortSignal.abort())
    const controller = new AbortController()
    const waiting = wait(1e6, controller.signal)
    controller.abort()
    await waiting
  })

  it('for a promise ends with it, or without it', async () => {
    expect(await within(Promise.resolve(3), 1e6)).toBe(3)
    expect(await within(new Promise(() => undefined), 1)).toBeUndefined()
    await expect(within(Promise.reject(new Error('no')), 1e6)).rejects.toThrow('no')
  })
})
