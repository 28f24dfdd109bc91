import { describe, expect, it } from 'vitest'
import type { ScaledVersionView, ScalingView } from '../../../src/api/views/scaling-view.ts'
import { LoadRecorder } from '../../../src/cli/record/load-recorder.ts'
import { readLoad } from '../../../src/controller/simulation/load-file.ts'
import { scalingInputsOf, scalingViewOf } from '../../api/sample-views.ts'

interface Look {
  readonly ended: number
  readonly failed?: number
  readonly waiting?: number
  readonly version?: string
}

const sample = scalingViewOf('price').versions[0] as ScaledVersionView

function viewOf(...looks: readonly Look[]): ScalingView {
  const versions = looks.map(({ ended, failed = 0, waiting = 0, version = 'latest' }) => ({
    ...sample,
    version,
    inputs: { ...scalingInputsOf(waiting), running: 0 },
    totals: { ...sample.totals, succeeded: ended - failed, failed, handlerMs: ended * 20, cpuMs: ended * 0.4 },
  }))
  return { ...scalingViewOf('price'), versions, decisions: [] }
}

const recorder = (): LoadRecorder => new LoadRecorder({ name: 'here', intervalMs: 1_000 })

describe('a recorded load', () => {
  it('counts as arrived what ended and what waits more than before', () => {
    const recording = recorder()
    for (const [ended, waiting] of [
      [100, 0],
      [150, 30],
      [230, 10],
      [230, 0],
    ] as const)
      recording.look(viewOf({ ended, waiting }))
    const [price] = recording.load().functions
    expect(price?.arrivals).toEqual([80, 60, 0])
    expect(price?.serviceTimeMs).toEqual([20, 20, 20])
    expect(price?.cpuTimeMs).toBe(0.4)
  })

  it('adds up the versions of a function, and counts a new one from its first look on', () => {
    const recording = recorder()
    recording.look(viewOf({ ended: 10 }))
    recording.look(viewOf({ ended: 20 }, { ended: 500, version: '2' }))
    recording.look(viewOf({ ended: 30 }, { ended: 507, version: '2' }))
    expect(recording.load().functions[0]?.arrivals).toEqual([10, 17])
  })

  it('takes a counter that began anew for a new version', () => {
    const recording = recorder()
    for (const ended of [1_000, 3, 9]) recording.look(viewOf({ ended }))
    expect(recording.load().functions[0]?.arrivals).toEqual([0, 6])
  })

  it('tells the share of failures', () => {
    const recording = recorder()
    recording.look(viewOf({ ended: 0 }))
    recording.look(viewOf({ ended: 40, failed: 10 }))
    expect(recording.load().functions[0]?.failureShare).toEqual([0.25])
  })

  it('is empty when nothing happened', () => {
    const recording = recorder()
    recording.look(viewOf({ ended: 5 }))
    recording.look(viewOf({ ended: 5 }))
    expect(recording.load().functions).toEqual([])
  })

  it('is what the simulation reads', () => {
    const recording = recorder()
    for (const ended of [0, 100, 250]) recording.look(viewOf({ ended }))
    const load = readLoad(JSON.parse(JSON.stringify(recording.load())))
    expect(load.durationMs).toBe(2_000)
    expect(load.functions[0]?.perS(1_500)).toBe(150)
  })
})
