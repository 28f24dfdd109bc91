import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiRoutes } from '../../../src/api/api-routes.ts'
import { openapiDocument } from '../../../src/api/openapi/openapi.ts'
import { startApiServer, type ApiServer } from '../api-server.ts'
import { documentProblems } from './document-check.ts'

type Operations = Record<string, Record<string, Record<string, unknown>>>

const document = openapiDocument('1.2.3')
const paths = document.paths as Operations
const operations = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map(method => `${method} ${path}`))

describe('the OpenAPI document', () => {
  let server: ApiServer
  beforeEach(async () => {
    server = await startApiServer({ version: '1.2.3' })
  })
  afterEach(() => server.close())

  it('is valid OpenAPI 3.1', () => {
    expect(documentProblems(document)).toEqual([])
  })

  it('would be told if it were not', () => {
    const broken = structuredClone(document) as { paths: Operations; components: { schemas: Record<string, unknown> } }
    broken.paths['/v1/functions/{nome}'] = broken.paths['/v1/functions/{name}']!
    broken.components.schemas.Function = { type: 'objekt', properties: { a: { $ref: '#/components/schemas/Nope' } } }
    broken.paths['/v1/sources']!.get!.summery = 'x'
    expect(documentProblems(broken)).toEqual(
      expect.arrayContaining([
        '#/components/schemas/Function/properties/a refers to #/components/schemas/Nope, which is not there',
        expect.stringContaining('objekt'),
        'get /v1/sources has summery, which a operation has not',
        'get /v1/functions/{nome}: declares name for nome',
        'get /v1/functions/{nome}: the operation id getFunction stands twice',
      ]),
    )
  })

  it('is served', async () => {
    expect((await server.call('GET', '/v1/openapi.json')).body).toEqual(JSON.parse(JSON.stringify(document)))
  })

  it('has every route that the server has, and no other', async () => {
    for (const operation of operations) {
      const [method = '', path = ''] = operation.split(' ')
      const concrete = path.replace('{name}', 'alerts').replace('{version}', '3').replace('{alias}', 'live')
      const answer = await fetch(server.url + concrete, { method: method.toUpperCase() })
      // 404 with the code of a missing trigger or function is an answer of the route; of the router it is not.
      if (answer.status === 404) expect(await answer.text(), operation).not.toContain('there is nothing at')
      expect(answer.status, operation).not.toBe(405)
    }
    expect(operations).toHaveLength(apiRoutes.length + 4)
  })

  it('asks for no field that has a default, however deep', () => {
    const { FunctionDefinitionInput, FunctionDefinition } = (
      document.components as { schemas: Record<string, { required?: string[]; properties: Record<string, object> }> }
    ).schemas
    expect(FunctionDefinitionInput).not.toHaveProperty('required')
    expect(FunctionDefinitionInput?.properties.retry).not.toHaveProperty('required')
    expect(FunctionDefinition?.properties.retry).toHaveProperty('required', [
      'maxAttempts',
      'initialDelayMs',
      'maxDelayMs',
      'jitter',
    ])
  })

  it('says that a map with a pattern takes no other names', () => {
    expect(JSON.stringify(paths['/v1/functions/{name}/versions']?.post?.requestBody)).toContain('"$ref"')
    const { PublicationInput } = (document.components as { schemas: Record<string, unknown> }).schemas
    expect(PublicationInput).toHaveProperty('properties.labels.additionalProperties', false)
  })

  it('documents a problem for every status that an operation of its kind may answer', () => {
    const responses = (operation: Record<string, unknown> | undefined) => Object.keys(operation?.responses as object)
    expect(responses(paths['/v1/functions/{name}']?.put)).toEqual([
      '200',
      '201',
      '400',
      '401',
      '403',
      '404',
      '409',
      '412',
      '413',
      '415',
      '422',
      '500',
      '503',
    ])
    expect(responses(paths['/v1/functions/{name}/invocations']?.post)).toEqual(
      expect.arrayContaining(['200', '202', '429', '502', '503', '504', 'default']),
    )
  })
})
