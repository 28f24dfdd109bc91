import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { RequestQueue, type RequestQueueInternals } from '../../../../src/log/kafka/kafkajs/kafkajs-internals.ts'
import { patchRequestTimer } from '../../../../src/log/kafka/kafkajs/timer-patch.ts'

interface Queue extends RequestQueueInternals {
  push(request: unknown): void
  fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void
  maybeThrottle(timeMs: number): void
  destroy(): void
}

const logger = { debug: () => undefined, warn: () => undefined }
/** A class of its own on the real one, so that the patch of one test is not that of another. */
function queueClass(): new (options: object) => Queue {
  return class extends (RequestQueue as unknown as new (options: object) => Queue) {}
}
const open: Queue[] = []
function queueOf(Class: new (options: object) => Queue, maxInFlightRequests: number | null = null): Queue {
  const queue = new Class({
    maxInFlightRequests,
    requestTimeout: 1_000,
    enforceRequestTimeout: false,
    clientId: 'c',
    broker: 'b',
    logger,
  })
  open.push(queue)
  return queue
}
const requestOf = (correlationId: number, sent: number[]): object => ({
  entry: { correlationId, resolve: () => undefined, reject: () => undefined },
  expectResponse: true,
  sendRequest: () => sent.push(correlationId),
})

afterEach(() => {
  for (const queue of open.splice(0)) queue.destroy()
  vi.restoreAllMocks()
})

describe('the request timer of kafkajs', () => {
  it('runs for ever on an idle connection as it is, which is why it is patched', async () => {
    const queue = queueOf(queueClass())
    const checks = vi.spyOn(queue, 'checkPendingRequests')
    queue.scheduleCheckPendingRequests()
    await vi.waitUntil(() => checks.mock.calls.length >= 5)
  })

  it('does not run on an idle connection when patched', () => {
    const Class = queueClass()
    patchRequestTimer(Class.prototype as RequestQueueInternals)
    const queue = queueOf(Class)
    queue.scheduleCheckPendingRequests()
    queue.checkPendingRequests()
    expect(queue.throttleCheckTimeoutId).toBeNull()
  })

  it('still sends what the broker throttled, and not before its time', async () => {
    const Class = queueClass()
    patchRequestTimer(Class.prototype as RequestQueueInternals)
    const queue = queueOf(Class)
    const sent: number[] = []
    queue.maybeThrottle(30)
    const until = queue.throttledUntil
    queue.push(requestOf(1, sent))
    expect(sent).toEqual([])
    await vi.waitUntil(() => sent.length === 1)
    expect(Date.now()).toBeGreaterThanOrEqual(until)
    expect(queue.throttleCheckTimeoutId).toBeNull()
  })

  it('still sends what had to wait for another request', () => {
    const Class = queueClass()
    patchRequestTimer(Class.prototype as RequestQueueInternals)
    const queue = queueOf(Class, 1)
    const sent: number[] = []
    queue.push(requestOf(1, sent))
    queue.push(requestOf(2, sent))
    expect(sent).toEqual([1])
    queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 })
    expect(sent).toEqual([1, 2])
  })

  it('is patched once, however often it is asked for', async () => {
    const Class = queueClass()
    patchRequestTimer(Class.prototype as RequestQueueInternals)
    const { scheduleCheckPendingRequests } = Class.prototype as RequestQueueInternals
    patchRequestTimer(Class.prototype as RequestQueueInternals)
    expect((Class.prototype as RequestQueueInternals).scheduleCheckPendingRequests).toBe(scheduleCheckPendingRequests)
    await delay(0)
  })
})
