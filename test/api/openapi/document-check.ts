import { Ajv2020 } from 'ajv/dist/2020.js'

type Json = Record<string, unknown>

/** Fields of the objects of OpenAPI 3.1 that the document uses: [required, optional]. */
const fields: Readonly<Record<string, readonly [readonly string[], readonly string[]]>> = {
  document: [['openapi', 'info', 'paths', 'components', 'tags'], []],
  info: [
    ['title', 'version'],
    ['description', 'license'],
  ],
  tag: [['name', 'description'], []],
  components: [['schemas', 'responses', 'parameters', 'headers', 'securitySchemes'], []],
  pathItem: [[], ['get', 'put', 'post', 'delete']],
  operation: [
    ['operationId', 'tags', 'summary', 'responses', 'security'],
    ['parameters', 'requestBody'],
  ],
  parameter: [
    ['name', 'in', 'schema'],
    ['description', 'required'],
  ],
  requestBody: [['content', 'required'], ['description']],
  response: [['description', 'content'], ['headers']],
  header: [['schema'], ['description', 'required']],
  mediaType: [[], ['schema', 'example']],
}

/** Everything that is wrong with an OpenAPI 3.1 document, as sentences. */
export function documentProblems(document: Json): string[] {
  const problems: string[] = []
  const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false })
  ajv.addKeyword('components')
  ajv.addSchema({ $id: 'document', components: document.components })
  const used = new Set<string>()

  const shape = (kind: string, value: Json, at: string): void => {
    const [required = [], optional = []] = fields[kind] ?? []
    for (const name of required) if (!Object.hasOwn(value, name)) problems.push(`${at} has no ${name}`)
    for (const name of Object.keys(value)) {
      if (!required.includes(name) && !optional.includes(name))
        problems.push(`${at} has ${name}, which a ${kind} has not`)
    }
  }
  const resolved = (value: Json): Json => {
    const { $ref } = value as { $ref?: string }
    if ($ref === undefined) return value
    used.add($ref)
    return follow(document, $ref) ?? {}
  }
  const schema = (value: unknown, at: string): void => {
    try {
      // References of the document are looked up from its root.
      ajv.compile(JSON.parse(JSON.stringify(value).replaceAll('"#/', '"document#/')) as Json)
    } catch (error) {
      problems.push(`${at}: ${String(error)}`)
    }
  }
  const content = (value: Json, at: string): void => {
    for (const [type, media] of Object.entries(value as Record<string, Json>)) {
      const here = `${at} ${type}`
      if (!/^(\*|[a-z]+)\/(\*|[a-z0-9.+-]+)$/.test(type)) problems.push(`${here} is no media type`)
      shape('mediaType', media, here)
      if (media.schema === undefined) continue
      schema(media.schema, here)
      if (media.example === undefined) continue
      const validate = ajv.compile(JSON.parse(JSON.stringify(media.schema).replaceAll('"#/', '"document#/')) as Json)
      if (!validate(media.example)) problems.push(`the example of ${here} ${ajv.errorsText(validate.errors)}`)
    }
  }

  for (const [at, ref] of references(document)) {
    if (follow(document, ref) === undefined) problems.push(`${at} refers to ${ref}, which is not there`)
    used.add(ref)
  }
  shape('document', document, 'the document')
  shape('info', document.info as Json, 'info')
  const components = document.components as Record<string, Record<string, Json>>
  shape('components', components, 'components')
  for (const [name, value] of Object.entries(components.schemas!)) schema(value, name)
  for (const [kind, named] of Object.entries(components)) {
    if (kind === 'securitySchemes') continue
    for (const name of Object.keys(named)) {
      if (!used.has(`#/components/${kind}/${name}`)) problems.push(`nothing refers to the ${kind} ${name}`)
    }
  }
  for (const [name, header] of Object.entries(components.headers!)) shape('header', header, name)
  const tags = (document.tags as { name: string }[]).map(tag => tag.name)
  const ids = new Set<string>()

  for (const [path, item] of Object.entries(document.paths as Record<string, Json>)) {
    if (!/^(\/([A-Za-z0-9._-]+|\{\w+\}))+$/.test(path)) problems.push(`${path} is no path`)
    shape('pathItem', item, path)
    for (const [method, operation] of Object.entries(item as Record<string, Json>)) {
      const at = `${method} ${path}`
      shape('operation', operation, at)
      const id = String(operation.operationId)
      if (ids.has(id)) problems.push(`${at}: the operation id ${id} stands twice`)
      ids.add(id)
      for (const tag of operation.tags as string[]) if (!tags.includes(tag)) problems.push(`${at}: no tag ${tag}`)
      for (const requirement of operation.security as Json[]) {
        for (const name of Object.keys(requirement)) {
          if (!Object.hasOwn(components.securitySchemes!, name)) problems.push(`${at}: no security scheme ${name}`)
        }
      }
      const parameters = ((operation.parameters ?? []) as Json[]).map(resolved)
      for (const parameter of parameters) {
        const here = `${at} ${String(parameter.in)} ${String(parameter.name)}`
        shape('parameter', parameter, here)
        schema(parameter.schema, here)
        if ((parameter.in === 'path') !== (parameter.required === true)) problems.push(`${here}: required is wrong`)
      }
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
      const declared = parameters.filter(parameter => parameter.in === 'path').map(parameter => parameter.name)
      if (inPath.join() !== declared.join()) problems.push(`${at}: declares ${declared.join()} for ${inPath.join()}`)
      if (
        new Set(parameters.map(({ in: place, name }) => `${String(place)} ${String(name)}`)).size !== parameters.length
      ) {
        problems.push(`${at}: a parameter stands twice`)
      }
      const body = operation.requestBody as Json | undefined
      if (body !== undefined) {
        shape('requestBody', body, `the body of ${at}`)
        content(body.content as Json, `the body of ${at}`)
      }
      for (const [status, reference] of Object.entries(operation.responses as Record<string, Json>)) {
        if (!/^([1-5]\d\d|default)$/.test(status)) problems.push(`${at}: ${status} is no status`)
        const response = resolved(reference)
        shape('response', response, `${at} ${status}`)
        content(response.content as Json, `${at} ${status}`)
      }
    }
  }
  return problems
}

/** All references with where they stand. */
function* references(value: unknown, at = '#'): Generator<readonly [at: string, ref: string]> {
  if (typeof value !== 'object' || value === null) return
  for (const [name, part] of Object.entries(value)) {
    if (name === '$ref' && typeof part === 'string') yield [at, part]
    else yield* references(part, `${at}/${name}`)
  }
}

/** What a reference inside of the document points to. */
export function follow(document: Json, ref: string): Json | undefined {
  let value: unknown = ref.startsWith('#/') ? document : undefined
  for (const part of ref.slice(2).split('/')) {
    value = (value as Json | undefined)?.[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return value as Json | undefined
}
