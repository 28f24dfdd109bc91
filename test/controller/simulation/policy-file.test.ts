import { describe, expect, it } from 'vitest'
import { readPolicies } from '../../../src/controller/simulation/policy-file.ts'

describe('readPolicies', () => {
  it('reads a scaling section, with its defaults', () => {
    expect(readPolicies({ targetDrainMs: 500 }, 4)('any')).toEqual({
      minWorkers: 0,
      maxWorkers: 4,
      targetDrainMs: 500,
      scaleToZeroAfterMs: 60_000,
    })
    expect(readPolicies(undefined, 1)('any').maxWorkers).toBe(2)
  })

  it('reads a function and a configuration, whatever else stands there', () => {
    const fn = { file: 'enrich.mjs', scaling: { maxWorkers: 9 } }
    expect(readPolicies(fn, 2)('any').maxWorkers).toBe(9)
    const policyOf = readPolicies({ http: { port: 1 }, functions: { enrich: fn, other: { file: 'x' } } }, 2)
    expect([policyOf('enrich').maxWorkers, policyOf('other').maxWorkers]).toEqual([9, 2])
    expect(() => policyOf('missing')).toThrow("there is no 'missing', which the load has; it has enrich, other")
  })

  it('refuses what is wrong and what contradicts itself, with its place', () => {
    const read = (value: unknown) => () => readPolicies(value, 2)('any')
    expect(read({ maxWorker: 3 })).toThrow("policy: there is no field 'maxWorker'")
    expect(read({ scaling: { maxWorkers: 0 } })).toThrow('scaling.maxWorkers: must be >= 1')
    expect(read({ functions: { a: { scaling: { minWorkers: 3, maxWorkers: 2 } } } })).toThrow(
      'functions.a.scaling.minWorkers: 3 is above scaling.maxWorkers (2)',
    )
    expect(read({ functions: [] })).toThrow('functions: must map names to functions')
  })

  it('does not change what it is given', () => {
    const given = Object.freeze({ scaling: Object.freeze({ minWorkers: 1 }) })
    expect(readPolicies(given, 2)('any').minWorkers).toBe(1)
  })
})
