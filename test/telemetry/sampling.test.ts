import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isTraceparent } from '../../src/events/traceparent.ts'
import { drawSpanId, drawTraceId, isSampled, samplingOf } from '../../src/telemetry/sampling.ts'

describe('drawing trace ids', () => {
  it('takes one in a hundred of 100,000 at a ratio of 1 %', () => {
    let taken = 0
    for (let draw = 0; draw < 100_000; draw++) if (drawTraceId(0.01) !== undefined) taken++
    // Seven standard deviations (31.5) around 1,000: by chance once in 10^11 runs.
    expect(taken).toBeGreaterThan(780)
    expect(taken).toBeLessThan(1_220)
  })

  it('takes all at 1 and none at 0', () => {
    for (let draw = 0; draw < 1_000; draw++) {
      expect(drawTraceId(1)).toBeDefined()
      expect(drawTraceId(0)).toBeUndefined()
    }
  })

  it('makes valid ids, whatever the random numbers', () => {
    const random = fc.oneof(fc.constant(0), fc.constant(1 - 2 ** -53), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })) // prettier-ignore
    fc.assert(
      fc.property(fc.array(random, { minLength: 8, maxLength: 8 }), numbers => {
        let next = 0
        const source = (): number => numbers[next++ % numbers.length]!
        expect(isTraceparent(`00-${drawTraceId(1, source)}-${drawSpanId(source)}-01`)).toBe(true)
      }),
    )
  })

  it('agrees with the judgement by id, so that another gateway decides the same', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), ratio => {
        const id = drawTraceId(ratio)
        if (id !== undefined) expect(isSampled(ratio, id)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('judging by trace id', () => {
  it('takes one in a hundred of 100,000 ids at 1 %', () => {
    let taken = 0
    for (let draw = 0; draw < 100_000; draw++) if (isSampled(0.01, drawTraceId(1)!)) taken++
    expect(taken).toBeGreaterThan(780)
    expect(taken).toBeLessThan(1_220)
  })

  it('takes with a larger ratio all that a smaller one takes', () => {
    const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
    const ratio = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(hex, ratio, ratio, (id, one, other) => {
        if (isSampled(Math.min(one, other), id)) expect(isSampled(Math.max(one, other), id)).toBe(true)
      }),
    )
  })

  it('follows the threshold of the specification', () => {
    expect(isSampled(0.5, `${'0'.repeat(18)}80000000000000`)).toBe(true)
    expect(isSampled(0.5, `${'f'.repeat(18)}7fffffffffffff`)).toBe(false)
    expect(isSampled(0, 'f'.repeat(32))).toBe(false)
    expect(isSampled(1, `1${'0'.repeat(31)}`)).toBe(true)
  })
})

describe('the sampler of the environment', () => {
  const warnings: string[] = []
  const logger = { warn: (_facts: object, message: string) => void warnings.push(message) }

  it.each([
    [{}, { honoursParent: true, ratio: 0.25 }],
    [{ OTEL_TRACES_SAMPLER: '' }, { honoursParent: true, ratio: 0.25 }],
    [{ OTEL_TRACES_SAMPLER: 'always_on' }, { honoursParent: false, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'always_off' }, { honoursParent: false, ratio: 0 }],
    [
      { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
      { honoursParent: false, ratio: 0.1 },
    ],
    [
      { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' },
      { honoursParent: true, ratio: 0 },
    ],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio' }, { honoursParent: true, ratio: 1 }],
    [{ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, { honoursParent: true, ratio: 0 }],
  ])('%j', (env, expected) => {
    expect(samplingOf(env, 0.25, logger)).toEqual(expected)
    expect(warnings).toEqual([])
  })

  it('is ignored with a warning when it is not known', () => {
    expect(samplingOf({ OTEL_TRACES_SAMPLER: 'toString' }, 0.25, logger)).toEqual({ honoursParent: true, ratio: 0.25 })
    expect(warnings.pop()).toContain('OTEL_TRACES_SAMPLER is ignored')
    const env = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: 'much' }
    expect(samplingOf(env, 0.25, logger)).toEqual({ honoursParent: false, ratio: 1 })
    expect(warnings.pop()).toContain('OTEL_TRACES_SAMPLER_ARG')
  })
})
