import fc from 'fast-check'
import { arbitraryOf, type ArbitraryOptions, type Json } from './schema-arbitrary.ts'
import { mutated, oddBodies, oddContentTypes, oddIfMatch, oddPathParts, oddQueryValues } from './odd-values.ts'

/** One operation of an OpenAPI document, its references followed. */
export interface Operation {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly Json[]
  readonly body: Json | undefined
  /** By status or `default`. */
  readonly responses: Readonly<Record<string, Json>>
}

export interface FuzzRequest {
  readonly operation: Operation
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer | undefined
}

/** The operations of a document. */
export function operationsOf(document: Json, follow: (ref: string) => Json): readonly Operation[] {
  const followed = (value: unknown): Json =>
    typeof (value as Json).$ref === 'string' ? follow((value as { $ref: string }).$ref) : (value as Json)
  return Object.entries(document.paths as Record<string, Record<string, Json>>).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      id: String(operation.operationId),
      method: method.toUpperCase(),
      path,
      parameters: ((operation.parameters ?? []) as unknown[]).map(followed),
      body: operation.requestBody === undefined ? undefined : followed(operation.requestBody),
      responses: Object.fromEntries(
        Object.entries(operation.responses as Json).map(([status, response]) => [status, followed(response)]),
      ),
    })),
  )
}

/** Requests for an operation: most of them valid, some with a mistake, some with many. */
export function requestArbitrary(operation: Operation, options: ArbitraryOptions): fc.Arbitrary<FuzzRequest> {
  return fc
    .record({
      target: targetArbitrary(operation, options),
      precondition: headersArbitrary(operation, options),
      content: contentArbitrary(operation, options),
    })
    .map(({ target, precondition, content: { body, contentType } }) => ({
      operation,
      target,
      headers: { ...precondition, ...(contentType === undefined ? {} : { 'content-type': contentType }) },
      body,
    }))
}

/** The request that the document gives as an example, with names that are there. */
export function exampleRequest(operation: Operation, { hints = {} }: ArbitraryOptions): FuzzRequest {
  const target = placed(operation, 'path').reduce((path, { name, schema }) => {
    const known = hints[`${operation.id}.${String(name)}`] ?? hints[String(name)] ?? []
    const value = known[0] ?? (schema as { examples: readonly string[] }).examples[0] ?? ''
    return path.replace(`{${String(name)}}`, () => value)
  }, operation.path)
  const example = (operation.body?.content as Record<string, Json> | undefined)?.['application/json']?.example
  return example === undefined
    ? { operation, target, headers: {}, body: undefined }
    : {
        operation,
        target,
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(example)),
      }
}

const placed = ({ parameters }: Operation, place: string): readonly Json[] =>
  parameters.filter(parameter => parameter.in === place)

function targetArbitrary(operation: Operation, options: ArbitraryOptions): fc.Arbitrary<string> {
  const parts = placed(operation, 'path').map(({ name, schema }) => {
    const hints = options.hints?.[`${operation.id}.${String(name)}`] ?? options.hints?.[String(name)] ?? []
    const valid = (arbitraryOf(schema as Json) as fc.Arbitrary<string>).map(encodeURIComponent)
    const value = fc.oneof(
      { weight: 3, arbitrary: valid },
      { weight: 2, arbitrary: fc.constantFrom(...oddPathParts) },
      ...(hints.length === 0 ? [] : [{ weight: 9, arbitrary: fc.constantFrom(...hints) }]),
    )
    return value.map(text => [String(name), text] as const)
  })
  const path = fc
    .tuple(...parts)
    .map(values => values.reduce((text, [name, value]) => text.replace(`{${name}}`, () => value), operation.path))
  return fc
    .tuple(path, queryArbitrary(operation, options))
    .map(([text, query]) => (query === '' ? text : `${text}?${query}`))
}

function queryArbitrary(operation: Operation, options: ArbitraryOptions): fc.Arbitrary<string> {
  const fields = placed(operation, 'query').map(parameter => {
    const name = String(parameter.name)
    const valid = arbitraryOf(parameter.schema as Json, options, name).map(value =>
      (Array.isArray(value) ? value : [value])
        .map(item => `${name}=${encodeURIComponent(wellFormed(String(item)))}`)
        .join('&'),
    )
    const odd = fc.constantFrom(...oddQueryValues).map(value => `${name}=${value}`)
    const clean = fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 2, arbitrary: valid })
    const twice = fc.tuple(valid, valid).map(both => both.join('&'))
    return { clean, any: fc.oneof({ weight: 6, arbitrary: clean }, odd, twice) }
  })
  const unknown = fc.oneof(
    { weight: 15, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constantFrom('foo=1', '__proto__=1', 'constructor=x', '=', '&&', '%', '%00=1') },
  )
  const clean = fc.tuple(...fields.map(field => field.clean))
  const odd = fc.tuple(...fields.map(field => field.any), unknown)
  return fc
    .oneof({ weight: 3, arbitrary: clean }, { weight: 1, arbitrary: odd })
    .map(texts => texts.filter(text => text !== '').join('&'))
}

function headersArbitrary(operation: Operation, options: ArbitraryOptions): fc.Arbitrary<Record<string, string>> {
  const headers = placed(operation, 'header').map(({ name, schema }) =>
    fc
      .oneof(
        { weight: 6, arbitrary: fc.constant(undefined) },
        { weight: 2, arbitrary: arbitraryOf(schema as Json, options) as fc.Arbitrary<string> },
        { weight: 1, arbitrary: fc.constantFrom(...oddIfMatch) },
      )
      .map(value => (value === undefined ? {} : { [String(name)]: value })),
  )
  return fc.tuple(...headers).map(all => Object.assign({}, ...all) as Record<string, string>)
}

interface Content {
  readonly body: Buffer | undefined
  readonly contentType: string | undefined
}

function contentArbitrary({ method, body }: Operation, options: ArbitraryOptions): fc.Arbitrary<Content> {
  const none: fc.Arbitrary<Content> = fc.constant({ body: undefined, contentType: undefined })
  if (method === 'GET') return none
  const contentType = fc.oneof(
    { weight: 12, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: fc.constantFrom(undefined, ...oddContentTypes) },
  )
  const odd = fc.record({ body: fc.constantFrom(...oddBodies), contentType })
  if (body === undefined) return fc.oneof({ weight: 9, arbitrary: none }, { weight: 1, arbitrary: odd })
  const { schema, example } = (body.content as Record<string, Json>)['application/json'] ?? {}
  const valid = schema === undefined ? fc.jsonValue() : arbitraryOf(schema as Json, options)
  const json = (value: fc.Arbitrary<unknown>) =>
    fc.record({ body: value.map(item => Buffer.from(JSON.stringify(item))), contentType })
  return fc.oneof(
    { weight: 8, arbitrary: json(valid) },
    { weight: 3, arbitrary: json(fc.constant(example ?? {})) },
    { weight: 5, arbitrary: json(mutated(valid)) },
    { weight: 2, arbitrary: odd },
    { weight: 1, arbitrary: none },
  )
}

/** A lone surrogate has no percent-encoding. */
const wellFormed = (text: string): string => text.toWellFormed()
