import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { RawClient, type RawAnswer } from './fuzz/raw-request.ts'
import {
  exampleRequest,
  operationsOf,
  requestArbitrary,
  type FuzzRequest,
  type Operation,
} from './fuzz/request-arbitrary.ts'
import type { Json } from './fuzz/schema-arbitrary.ts'
import { follow } from './openapi/document-check.ts'

export interface FuzzOptions {
  /** Such as http://127.0.0.1:8080. */
  readonly baseUrl: string
  /** What is served at /v1/openapi.json. */
  readonly document: Readonly<Record<string, unknown>>
  /** How many requests are made of each operation. Default 50. */
  readonly requestsPerOperation?: number
  /** Repeats a run. Default: another one each time; the message of a failure has it. */
  readonly seed?: number
  readonly token?: string
  /**
   * What is there, so that not everything is answered 404: texts by the name of a parameter or field (`name`, `alias`,
   * `stream`), or by operation and parameter (`getTrigger.name`).
   */
  readonly hints?: Readonly<Record<string, readonly string[]>>
  /** Operations that are left out, by id. */
  readonly without?: readonly string[]
  /** Of one request. Default 10,000. */
  readonly timeoutMs?: number
}

/** How often each status was answered, by operation id. */
export type FuzzReport = ReadonlyMap<string, ReadonlyMap<number, number>>

/**
 * Sends requests that are generated from an OpenAPI document, valid and odd ones, and checks every answer against it: its
 * status is documented, its body has the documented schema, its required headers are there, a problem has code and detail,
 * and nothing is answered 500.
 * @throws when an answer is not as documented, with the smallest request that was found to do it.
 */
export async function fuzzApi(options: FuzzOptions): Promise<FuzzReport> {
  const { document, token, without = [], requestsPerOperation = 50 } = options
  const client = new RawClient(options.baseUrl, options.timeoutMs ?? 10_000)
  const followed = (ref: string): Json => follow(document, ref) ?? {}
  const checkAnswer = createAnswerCheck(document)
  const report = new Map<string, Map<number, number>>()
  try {
    const operations = operationsOf(document, followed).toSorted((a, b) => lateness(a) - lateness(b))
    for (const operation of operations) {
      if (without.includes(operation.id)) continue
      const statuses = new Map<number, number>()
      report.set(operation.id, statuses)
      const knowledge = { follow: followed, hints: options.hints ?? {} }
      const generated = requestArbitrary(operation, knowledge)
      const example = exampleRequest(operation, knowledge)
      const property = fc.asyncProperty(generated, async ({ target, headers, body }) => {
        const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
        const answer = await client.send({
          method: operation.method,
          target,
          headers: { ...authorization, ...headers },
          body,
        })
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
        checkAnswer(operation, answer)
      })
      await fc.assert(property, {
        numRuns: requestsPerOperation,
        // Twice, because the first may be answered with a problem.
        examples: [[example], [example]],
        ...(options.seed === undefined ? {} : { seed: options.seed }),
        reporter: details => {
          if (!details.failed) return
          const [request] = details.counterexample ?? []
          throw new Error(
            `${request === undefined ? operation.id : shown(request)}\n${String(details.errorInstance)}\nseed ${details.seed}`,
          )
        },
      })
    }
  } finally {
    client.close()
  }
  return report
}

/** What is deleted is not there for the others, so deletions come last, those of parts before those of the whole. */
const lateness = ({ method, path }: Operation): number => (method === 'DELETE' ? 1 / path.length : 0)

const shown = ({ operation, target, headers, body }: FuzzRequest): string =>
  [
    `${operation.method} ${target}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    body === undefined ? '(no body)' : body.toString('latin1').slice(0, 2_000),
  ].join('\n')

function createAnswerCheck(document: Json): (operation: Operation, answer: RawAnswer) => void {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ajv.addSchema({ $id: 'document', components: document.components })
  const absolute = (schema: unknown): Json =>
    JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/')) as Json
  const validators = new Map<unknown, ReturnType<typeof ajv.compile>>()
  const check = (schema: unknown, value: unknown): void => {
    let validate = validators.get(schema)
    if (validate === undefined) validators.set(schema, (validate = ajv.compile(absolute(schema))))
    if (!validate(value))
      throw new Error(`${ajv.errorsText(validate.errors)} in ${JSON.stringify(value).slice(0, 2_000)}`)
  }

  return ({ responses }, { status, headers, body, isStream }) => {
    const text = body.toString('utf8')
    const type = String(headers['content-type'] ?? '').split(';', 1)[0] ?? ''
    const response = responses[status] ?? responses.default
    if (response === undefined) throw new Error(`${status} is not documented: ${text.slice(0, 2_000)}`)
    const isProblem = type === 'application/problem+json'
    if (status === 500 && isProblem) throw new Error(`an internal error: ${text}`)
    for (const [name, value] of Object.entries((response.headers ?? {}) as Record<string, Json>)) {
      const header = typeof value.$ref === 'string' ? follow(document, value.$ref) : value
      if (headers[name] !== undefined) check(header?.schema, headers[name])
      else if (header?.required === true) throw new Error(`${status} has no header ${name}`)
    }
    if (isProblem) {
      const { code, detail, status: told } = JSON.parse(text) as Json
      if (typeof code !== 'string' || !/^SLUICE_[A-Z_]+$/.test(code)) throw new Error(`a problem without code: ${text}`)
      if (typeof detail !== 'string' || detail === '') throw new Error(`a problem without detail: ${text}`)
      if (told !== status) throw new Error(`a problem of another status than ${status}: ${text}`)
    }
    const content = (response.content ?? {}) as Record<string, Json>
    // A result of a function is what the function says it is.
    if (content['*/*'] !== undefined) return
    const media = content[type]
    if (media === undefined) throw new Error(`${status} as '${type}' is not documented: ${text.slice(0, 2_000)}`)
    if (media.schema === undefined) return
    if (type === 'text/event-stream') return check(media.schema, text)
    if (!isStream) return check(media.schema, JSON.parse(text))
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
    for (const line of lines) if (line !== '') check(media.schema, JSON.parse(line))
  }
}
