import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { createValidator } from '../../../src/api/request/validator.ts'
import { triggerSchema } from '../../../src/config/sections/trigger.ts'

const problemsOf = (schema: Type.TSchema, value: unknown): unknown => {
  try {
    createValidator(schema, 'body')(value)
    return []
  } catch (error) {
    return (error as { details: { problems: string[] } }).details.problems
  }
}

const pet = Type.Union([
  Type.Object({ kind: Type.Literal('cat'), lives: Type.Integer({ maximum: 9 }) }, { additionalProperties: false }),
  Type.Object({ kind: Type.Literal('dog'), name: Type.String() }, { additionalProperties: false }),
])

describe('a validator', () => {
  it('speaks of the branch of a union that was meant, item by item', () => {
    const items = Array.from({ length: 11 }, () => ({ kind: 'dog', name: 'rex' }) as Record<string, unknown>)
    items[1] = { kind: 'cat', lives: 10 }
    items[10] = { kind: 'dog' }
    expect(problemsOf(Type.Array(pet), items)).toEqual([
      '[1].lives must be an integer of at most 9, not 10',
      '[10].name is missing',
    ])
    expect(problemsOf(Type.Object({ pet }), { pet: { kind: 'cow' } })).toEqual(['pet.kind must be one of cat, dog'])
    expect(problemsOf(Type.Object({ pet }), { pet: 'rex' })).toEqual([
      'pet must be a map with kind, lives, or a map with kind, name',
    ])
  })

  it('calls the value as a whole by its name', () => {
    expect(problemsOf(Type.Object({}), 5)).toEqual(['body must be a map, not 5'])
  })

  it('never repeats a text, which may be a secret, and cuts names', () => {
    const schema = Type.Object(
      { a: Type.Integer(), b: Type.String({ pattern: '^x$' }) },
      { additionalProperties: false },
    )
    const told = JSON.stringify(problemsOf(schema, { a: 'hunter2', b: 'hunter2', ['n'.repeat(10_000)]: 1 }))
    expect(told).not.toContain('hunter2')
    expect(told.length).toBeLessThan(500)
  })

  it('has something to say of whatever is wrong, whatever it is', () => {
    const triggers = createValidator(triggerSchema, 'body')
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('stream', 'function', 'filter', 'start', 'x'), fc.jsonValue()),
        value => {
          try {
            triggers(structuredClone(value))
          } catch (error) {
            expect(error).toMatchObject({ code: 'SLUICE_API_INVALID_REQUEST' })
            expect((error as Error).message).not.toBe('')
          }
        },
      ),
    )
  })

  it('stays quick with thousands of mistakes', () => {
    const filter = { data: { '/t': Array.from({ length: 1000 }, () => ({ gt: 'x', lt: {}, exact: 5 })) } }
    const problems = problemsOf(triggerSchema, { stream: 'a', function: 'b', filter }) as string[]
    expect(problems).toHaveLength(10)
  })
})
