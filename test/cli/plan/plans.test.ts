import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { colorsOf } from '../../../src/cli/colors.ts'
import { planAlias } from '../../../src/cli/plan/alias-plan.ts'
import { fieldChanges, isSame } from '../../../src/cli/plan/field-changes.ts'
import { formatFunctionPlan } from '../../../src/cli/plan/format-change.ts'
import { planFunction } from '../../../src/cli/plan/function-plan.ts'
import { planTrigger } from '../../../src/cli/plan/trigger-plan.ts'
import { aliasViewOf, functionViewOf, sampleDefinition, triggerViewOf } from '../../api/sample-views.ts'

const json = fc.jsonValue({ maxDepth: 3 })

describe('fieldChanges', () => {
  it('tells each leaf by its path, and a list as one value', () => {
    const from = { timeoutMs: 5, labels: { a: '1', b: '2' }, sinks: ['x'], retry: { maxAttempts: 1 } }
    const to = { timeoutMs: 6, labels: { a: '1', 'x.y': '3' }, sinks: ['x', 'y'], role: { sinks: [] } }
    expect(fieldChanges(from, to).map(({ path, from: a, to: b }) => [path, a, b])).toEqual([
      ['timeoutMs', 5, 6],
      ['labels.b', '2', undefined],
      ['labels."x.y"', undefined, '3'],
      ['sinks', ['x'], ['x', 'y']],
      ['retry.maxAttempts', 1, undefined],
      ['role.sinks', undefined, []],
    ])
  })

  it('finds nothing in a value and its copy, whatever the order of fields', () => {
    fc.assert(fc.property(json, value => void expect(fieldChanges(value, structuredClone(value))).toEqual([])))
    expect(isSame({ a: 1, b: { c: [1, 2] } }, { b: { c: [1, 2] }, a: 1 })).toBe(true)
    expect(isSame([1, 2], [2, 1])).toBe(false)
  })

  it('takes names that objects have for names', () => {
    const named = JSON.parse('{"__proto__":"1","constructor":"2"}') as object
    expect(fieldChanges({}, named).map(({ path }) => path)).toEqual(['__proto__', 'constructor'])
  })
})

describe('planFunction', () => {
  const bundle = { hash: 'c0de', bytes: 10 }
  const current = functionViewOf('price')
  const publish = (wanted: boolean) => ({ definition: sampleDefinition, publish: wanted })

  it('creates what is not there, and tells what differs from the defaults', () => {
    const plan = planFunction('price', publish(true), bundle, undefined)
    expect(plan).toMatchObject({ action: 'create', revision: undefined, publishes: { version: 1, isNew: true } })
    expect(plan.fields.map(({ path }) => path)).toEqual(['labels.team', 'secrets.TOKEN'])
  })

  it('finds the same code and definition unchanged', () => {
    expect(planFunction('price', publish(false), bundle, current)).toMatchObject({
      action: 'unchanged',
      fields: [],
      code: undefined,
      publishes: undefined,
      newestVersion: 3,
    })
  })

  it('publishes what is unchanged but not published, and nothing twice', () => {
    expect(planFunction('price', publish(true), bundle, current).publishes).toEqual({ version: 4, isNew: true })
    const published = { ...current, latestHash: 'hash-3' }
    expect(planFunction('price', publish(true), bundle, published).publishes).toEqual({ version: 3, isNew: false })
  })

  it('updates at the revision that it saw', () => {
    const definition = { ...sampleDefinition, timeoutMs: 99 }
    const plan = planFunction('price', { definition, publish: true }, { hash: 'other', bytes: 2_000 }, current)
    expect(plan).toMatchObject({ action: 'update', revision: 7, publishes: { version: 4, isNew: true } })
    expect(formatFunctionPlan(plan, colorsOf(undefined))).toEqual([
      '~ function price',
      '    code       c0de → other  (10 B → 2 kB)',
      '    timeoutMs  30000 → 99',
      '    version    4 is published',
    ])
  })

  it('says in the plan what a terminal must not obey', () => {
    const definition = { ...sampleDefinition, labels: { team: 'bill\u001b[2Jing' } }
    const plan = planFunction('price', { definition, publish: false }, bundle, current)
    expect(formatFunctionPlan(plan, colorsOf(undefined)).join('\n')).toContain(
      'labels.team  billing → "bill\\u001b[2Jing"',
    )
  })
})

describe('planAlias', () => {
  const current = { ...aliasViewOf('price', 'live'), rollout: null }
  const running = {
    ...aliasViewOf('price', 'live'),
    weights: [
      { version: 3, weight: 90 },
      { version: 4, weight: 10 },
    ],
    rollout: { ...aliasViewOf('price', 'live').rollout!, state: 'running' as const, to: 4, endedAtMs: null },
  }

  it('moves to a version, to the newest one, or to weights', () => {
    expect(planAlias('price', 'live', 4, 4, current)).toMatchObject({
      action: 'update',
      to: [{ version: 4, weight: 100 }],
    })
    expect(planAlias('price', 'live', 'latest-published', 9, undefined)).toMatchObject({
      action: 'create',
      to: [{ version: 9, weight: 100 }],
    })
    expect(planAlias('price', 'live', { '3': 90, 'latest-published': 10 }, 9, current)).toMatchObject({
      to: [
        { version: 3, weight: 90 },
        { version: 9, weight: 10 },
      ],
    })
  })

  it('finds the same shares unchanged', () => {
    expect(planAlias('price', 'live', 3, 9, current)).toMatchObject({ action: 'unchanged' })
    expect(planAlias('price', 'live', { '3': 100, '4': 0 }, 9, current)).toMatchObject({ action: 'unchanged' })
  })

  it('does not cut a rollout short that is on the way there, and says so when it aborts one', () => {
    expect(planAlias('price', 'live', 4, 4, running)).toMatchObject({
      action: 'unchanged',
      note: 'a rollout to 4 is on its way',
    })
    expect(planAlias('price', 'live', 3, 4, running)).toMatchObject({
      action: 'update',
      note: 'this aborts the rollout to 4',
    })
  })

  it('needs a published version', () => {
    expect(planAlias('price', 'live', 'latest-published', undefined, undefined)).toContain('add publish: true')
  })
})

describe('planTrigger', () => {
  const current = triggerViewOf('alerts')
  const definition = { ...current.definition, sinks: ['out'] }

  it('updates what can change', () => {
    expect(planTrigger('alerts', definition, current)).toMatchObject({ action: 'unchanged' })
    expect(planTrigger('alerts', { ...definition, function: 'alert@2' }, current)).toMatchObject({
      action: 'update',
      revision: 9,
      fields: [{ path: 'function', from: 'alert@live', to: 'alert@2' }],
    })
    expect(planTrigger('new', definition, undefined)).toMatchObject({ action: 'create', revision: undefined })
  })

  it('says what needs another trigger', () => {
    expect(planTrigger('alerts', { ...definition, stream: 'other' }, current)).toContain('stream is "telemetry"')
    expect(planTrigger('alerts', { ...definition, start: { offset: 3 } }, current)).toContain('cannot be changed')
  })
})
