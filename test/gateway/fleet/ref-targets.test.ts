import { describe, expect, it } from 'vitest'
import { parseFunctionRef, type FunctionRef } from '../../../src/config/function-ref.ts'
import { resolveRef } from '../../../src/gateway/fleet/ref-targets.ts'
import { standingRefs } from '../../../src/gateway/fleet/standing-versions.ts'
import { after, stateOf } from '../../registry/planned-state.ts'
import { definitionOf, publish, putAlias, putFunction } from '../../registry/registry-fixtures.ts'

const state = stateOf(
  [putFunction('price', 1)],
  [publish('price', 1)],
  [putFunction('price', 2)],
  [publish('price', 2)],
  [putAlias('price', 'live', [[1, 90], [2, 10]])],
  [putAlias('price', 'done', [[1, 0], [2, 100]])],
) // prettier-ignore
const resolve = (text: string, from = state) => {
  const { versions, problem, enabled } = resolveRef(from, parseFunctionRef(text) as FunctionRef)
  return { versions: versions.map(({ record, weight }) => [record.version, weight]), problem, enabled }
}

describe('a function reference', () => {
  it('means latest, a version, or the versions of an alias that have a weight', () => {
    expect(resolve('price').versions).toEqual([['latest', 100]])
    expect(resolve('price@1').versions).toEqual([[1, 100]])
    expect(resolve('price@live').versions).toEqual([[1, 90], [2, 10]]) // prettier-ignore
    expect(resolve('price@done').versions).toEqual([[2, 100]])
  })

  it('says what is not there', () => {
    expect(resolve('nope').problem).toBe('there is no function nope')
    expect(resolve('price@7').problem).toBe('function price has no version 7')
    expect(resolve('price@beta').problem).toBe('function price has no alias beta')
  })

  it('runs nothing of an alias with a deleted version: giving its share to the rest would move keys twice', () => {
    const deleted = after(state, [{ kind: 'delete-version', function: 'price', version: 2 }])
    expect(resolve('price@live', deleted)).toMatchObject({
      versions: [],
      problem: expect.stringContaining('version 2') as string,
    })
    expect(resolve('price@1', deleted).versions).toEqual([[1, 100]])
  })

  it('tells that its function is disabled, and keeps its versions', () => {
    const disabled = after(state, [{ kind: 'enable-function', name: 'price', enabled: false }])
    expect(resolve('price@1', disabled)).toMatchObject({ enabled: false, versions: [[1, 100]] })
  })
})

describe('versions with a warm minimum', () => {
  const warm = definitionOf({ scaling: { minWorkers: 1, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 } })
  const recordOf = (from: typeof state) => from.functions.get('price')!

  it('stand by where an alias names them, and latest where there is no alias', () => {
    const latest = stateOf([putFunction('price', 1, { definition: warm })])
    expect(standingRefs(recordOf(latest))).toEqual([{ name: 'price', version: { kind: 'latest' } }])
    const aliased = after(after(latest, [publish('price', 1)]), [putAlias('price', 'live', [[1, 100]])])
    expect(standingRefs(recordOf(aliased))).toEqual([{ name: 'price', version: { kind: 'alias', alias: 'live' } }])
  })

  it('do not stand by without one, or while the function is disabled', () => {
    expect(standingRefs(recordOf(state))).toEqual([])
    const disabled = stateOf(
      [putFunction('price', 1, { definition: warm })],
      [{ kind: 'enable-function', name: 'price', enabled: false }],
    )
    expect(standingRefs(recordOf(disabled))).toEqual([])
  })
})
