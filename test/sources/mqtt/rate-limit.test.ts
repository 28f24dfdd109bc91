import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SluiceError } from '../../../src/errors/sluice-error.ts'
import { IntakeLane } from '../../../src/sources/mqtt/intake-lane.ts'
import { RawMqttClient } from '../../support/mqtt/raw-mqtt-client.ts'
import { ControlledIntake } from './controlled-intake.ts'
import { startBroker } from './embedded-broker.ts'

const event = (id: string) => ({
  header: { id, source: '/s', type: 't', acceptedAtMs: 0, hops: 0 },
  value: Buffer.from(id),
})

describe('a lane with a rate', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  function open(): { intake: ControlledIntake; lane: IntakeLane; settled: (SluiceError | undefined)[] } {
    const intake = new ControlledIntake()
    const rate = { ratePerSecond: 10, burst: 2 }
    return { intake, lane: new IntakeLane(intake, { maxHeldBytes: 1e6, stalled: () => {}, rate }), settled: [] }
  }

  it('lets the burst in at once and holds the others back, in order, without refusing any', async () => {
    const { intake, lane, settled } = open()
    for (let n = 0; n < 6; n++) lane.push(event(`${n}`), undefined, 60_000, error => settled.push(error))
    await vi.advanceTimersByTimeAsync(1)
    expect(intake.values).toEqual(['0', '1'])
    await vi.advanceTimersByTimeAsync(250)
    expect(intake.values).toEqual(['0', '1', '2', '3'])
    expect(lane.refusal).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(intake.values).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(settled).toEqual(Array.from({ length: 6 }))
  })

  it('counts what the log refused only once it is taken', async () => {
    const { intake, lane, settled } = open()
    intake.mode = 'refuse'
    for (let n = 0; n < 2; n++) lane.push(event(`${n}`), undefined, 60_000, error => settled.push(error))
    await vi.advanceTimersByTimeAsync(40)
    intake.mode = 'take'
    await vi.advanceTimersByTimeAsync(20)
    expect(intake.values).toEqual(['0', '1'])
  })

  it('lets everything in that waits when it is drained', async () => {
    const { intake, lane, settled } = open()
    for (let n = 0; n < 20; n++) lane.push(event(`${n}`), undefined, 60_000, error => settled.push(error))
    await vi.advanceTimersByTimeAsync(1)
    await lane.drain()
    expect(intake.values).toHaveLength(20)
    expect(settled).toHaveLength(20)
  })
})

it('withholds PUBACKs and stops reading from devices that are too fast, and loses and refuses nothing', async () => {
  const test = await startBroker({}, { rate: { ratePerSecond: 200, burst: 5 } })
  try {
    const client = await RawMqttClient.connect({ port: test.port })
    for (let n = 0; n < 60; n++) client.publish('devices/d1/telemetry', `${n}`, n + 1)
    await test.intake.until(() => test.intake.events.length === 5)
    expect(client.ofKind('puback').length).toBeLessThan(60)
    await test.intake.until(() => test.intake.events.length === 60)
    await expect.poll(() => client.ofKind('puback').length).toBe(60)
    expect(test.intake.values).toEqual(Array.from({ length: 60 }, (_, n) => `${n}`))
    expect(test.source.stats()).toMatchObject({ state: 'running', accepted: 60, refused: {} })
    await client.kill()
  } finally {
    await test.stop()
  }
})
