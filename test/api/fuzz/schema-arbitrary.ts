import fc from 'fast-check'

export type Json = Record<string, unknown>

export interface ArbitraryOptions {
  /** Looks references up. */
  readonly follow?: (ref: string) => Json
  /** Texts that are tried as often as generated ones, by the name of the field. */
  readonly hints?: Readonly<Record<string, readonly string[]>>
}

/** Values that a JSON Schema allows; the part of it that the API uses. */
export function arbitraryOf(schema: Json, options: ArbitraryOptions = {}, field = ''): fc.Arbitrary<unknown> {
  const of = (part: unknown, name = field): fc.Arbitrary<unknown> => arbitraryOf(part as Json, options, name)
  if (typeof schema.$ref === 'string') return of(options.follow?.(schema.$ref))
  if ('const' in schema) return fc.constant(schema.const)
  if (Array.isArray(schema.enum)) return fc.constantFrom(...(schema.enum as unknown[]))
  if (Array.isArray(schema.anyOf)) return fc.oneof(...schema.anyOf.map(part => of(part)))
  switch (schema.type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'integer':
      return fc.integer(bounds(schema, -1_000_000, 1_000_000))
    case 'number':
      return fc.double({ ...bounds(schema, -1e9, 1e9), noNaN: true, noDefaultInfinity: true }).map(value => value + 0)
    case 'string': {
      const hints = options.hints?.[field] ?? []
      const generated = textOf(schema)
      return hints.length === 0 ? generated : fc.oneof(generated, fc.constantFrom(...hints))
    }
    case 'array': {
      const {
        minItems = 0,
        maxItems = 4,
        uniqueItems,
      } = schema as { minItems?: number; maxItems?: number; uniqueItems?: boolean }
      const length = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, 4)) }
      const item = of(schema.items ?? {})
      return uniqueItems === true
        ? fc.uniqueArray(item, { ...length, selector: value => JSON.stringify(value) })
        : fc.array(item, length)
    }
    case 'object':
      return objectOf(schema, of)
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

function objectOf(schema: Json, of: (part: unknown, name?: string) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema.properties ?? {}) as Json)
  const required = (schema.required ?? []) as string[]
  const record = fc.record(Object.fromEntries(properties.map(([name, part]) => [name, of(part, name)])), {
    requiredKeys: required,
  })
  const patterns = Object.entries((schema.patternProperties ?? {}) as Json)
  const further = patterns.map(([pattern, part]) => fc.dictionary(textOf({ pattern }), of(part), { maxKeys: 3 }))
  if (typeof schema.additionalProperties === 'object') {
    const name = fc.stringMatching(/^[a-z][a-z0-9]{0,9}$/)
    further.push(fc.dictionary(name, of(schema.additionalProperties), { maxKeys: 2 }))
  }
  // A field of its own goes before one that has its name by chance.
  const whole = fc
    .tuple(record, ...further)
    .map(([own, ...maps]) => ({ ...Object.assign({}, ...maps), ...own }) as Json)
  const { minProperties = 0 } = schema as { minProperties?: number }
  return minProperties === 0 ? whole : whole.filter(value => Object.keys(value).length >= minProperties)
}

function textOf({ pattern, minLength = 0, maxLength = 300, contentEncoding }: Json): fc.Arbitrary<string> {
  if (contentEncoding === 'base64') return fc.base64String({ maxLength: 64 })
  const length = { minLength: Number(minLength), maxLength: Number(maxLength) }
  if (typeof pattern !== 'string') {
    return fc
      .string({ ...length, maxLength: Math.max(length.minLength, Math.min(length.maxLength, 40)), unit: 'grapheme' })
      .filter(text => text.length >= length.minLength && text.length <= length.maxLength)
  }
  const whole = new RegExp(pattern, 'u')
  // Texts are not generated from what must not follow.
  const generated = fc.stringMatching(new RegExp(pattern.replaceAll(/\(\?![^)]*\)/g, ''), 'u'))
  return generated.filter(
    text => whole.test(text) && text.length <= length.maxLength && text.length >= length.minLength,
  )
}

function bounds(schema: Json, fallbackMin: number, fallbackMax: number): { min: number; max: number } {
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number }
  const min = minimum ?? Math.min(fallbackMin, maximum ?? fallbackMin)
  return { min, max: maximum ?? Math.max(fallbackMax, min) }
}
