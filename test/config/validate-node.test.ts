import { Ajv } from 'ajv'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { readConfigNode } from '../../src/config/config-node.ts'
import type { ConfigProblem } from '../../src/config/config-problem.ts'
import type { JsonSchema } from '../../src/config/json-schema.ts'
import { configJsonSchema } from '../../src/config/schema.ts'
import { validateNode } from '../../src/config/validate-node.ts'

function validate(schema: JsonSchema, yaml: string, environment: Record<string, string> = {}) {
  const problems: ConfigProblem[] = []
  const node = readConfigNode(yaml, environment, problems)
  const value = node === undefined ? undefined : validateNode(schema, node, problems)
  return { value, problems: problems.map(({ path, message }) => `${path}: ${message}`) }
}

/** Schemas of the kind that sections are made of. */
const scalar = fc.constantFrom<JsonSchema>(
  { type: 'integer', minimum: 1, maximum: 3 },
  { type: 'number', maximum: 1 },
  { type: 'string', minLength: 1 },
  { type: 'string', pattern: '^[a-c]+$' },
  { type: 'boolean' },
  { const: 'a' },
  { anyOf: [{ const: 'a' }, { const: 2 }] },
)
const schema: fc.Arbitrary<JsonSchema> = fc.letrec<{ any: JsonSchema }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.record({ type: fc.constant('array'), items: tie('any'), minItems: fc.constantFrom(0, 1) }),
    fc
      .tuple(fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any')), fc.subarray(['a', 'b', 'c']))
      .map(([properties, required]) => ({
        type: 'object',
        properties,
        required: required.filter(name => Object.hasOwn(properties, name)),
        additionalProperties: false,
      })),
    tie('any').map(inner => ({ type: 'object', patternProperties: { '^[ab]$': inner }, additionalProperties: false })),
  ),
})).any
const value = fc.letrec<{ any: unknown }>(tie => ({
  any: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(0, 1, 2, 1.5, 'a', 'abc', 'x', true, false),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), tie('any')),
  ),
})).any

describe('validateNode', () => {
  it('accepts exactly what a general JSON Schema validator accepts', () => {
    const ajv = new Ajv({ strict: false, validateSchema: false })
    let accepted = 0
    fc.assert(
      fc.property(schema, value, (of, given) => {
        const expected = ajv.validate(of, given)
        const { problems, value: built } = validate(of, stringify(given))
        expect(
          problems.length === 0,
          `${JSON.stringify(of)} for ${JSON.stringify(given)}: ${problems.join('; ')}`,
        ).toBe(expected)
        if (!expected) return
        accepted++
        expect(JSON.parse(JSON.stringify(built))).toEqual(given)
      }),
      { numRuns: 1000 },
    )
    expect(accepted).toBeGreaterThan(5)
  })

  it('fills in defaults at every depth', () => {
    const of: JsonSchema = {
      type: 'object',
      required: ['a'],
      properties: {
        a: { type: 'object', default: {}, required: ['b'], properties: { b: { type: 'integer', default: 3 } } },
      },
    }
    expect(validate(of, '').value).toEqual({ a: { b: 3 } })
    expect(validate(of, 'a:').value).toEqual({ a: { b: 3 } })
  })

  it('coerces text only when it came from the environment', () => {
    const of: JsonSchema = { type: 'object', properties: { n: { type: 'integer' }, s: { type: 'string' } } }
    expect(validate(of, 'n: "${N}"\ns: "${N}"', { N: '12' }).value).toEqual({ n: 12, s: '12' })
    expect(validate(of, 'n: "12"').problems).toEqual(['n: must be an integer, not a text'])
    expect(validate(of, 'n: "${N}"', { N: '1e999' }).problems).toHaveLength(1)
    expect(validate(of, 'n: "${N}"', { N: '0x10' }).problems).toEqual(['n: must be an integer, not a text'])
  })

  it('tells a union by what is meant', () => {
    const of = {
      type: 'object',
      properties: {
        m: {
          anyOf: [
            { type: 'string' },
            {
              type: 'object',
              required: ['header'],
              properties: { header: { type: 'string' } },
              additionalProperties: false,
            },
            {
              type: 'object',
              required: ['level'],
              properties: { level: { type: 'integer' } },
              additionalProperties: false,
            },
          ],
        },
      },
    }
    expect(validate(of, 'm: { level: x }').problems).toEqual(['m.level: must be an integer, not a text'])
    expect(validate(of, 'm: 5').problems).toEqual(['m: must be a text, or a map with one of header, level'])
  })

  it('knows every keyword that the sections use', () => {
    const known = new Set([
      'type', 'const', 'anyOf', 'properties', 'patternProperties', 'required', 'additionalProperties', 'minProperties',
      'maxProperties', 'items',
      'minItems', 'maxItems', 'uniqueItems', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern', 'default',
      'description', 'title',
    ]) // prettier-ignore
    const unknown = new Set<string>()
    const walk = (node: JsonSchema): void => {
      for (const key of Object.keys(node)) if (!known.has(key)) unknown.add(key)
      for (const child of Object.values({ ...node.properties, ...node.patternProperties })) walk(child)
      for (const child of node.anyOf ?? []) walk(child)
      if (node.items !== undefined) walk(node.items)
      if (typeof node.additionalProperties === 'object') walk(node.additionalProperties)
    }
    walk(configJsonSchema)
    expect([...unknown]).toEqual([])
  })
})
