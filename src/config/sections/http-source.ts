import Type, { type Static } from 'typebox'
import { functionRefPattern } from '../function-ref.ts'
import { sourceLimitsSchema } from './source-limits.ts'
import { sourceFields } from './source-fields.ts'

const strict = { additionalProperties: false }

const secrets = Type.Array(Type.String({ minLength: 1 }), {
  minItems: 1,
  maxItems: 10,
  description: 'Active secrets: a request signed with any of them is taken, so that a secret can be rotated.',
})

const toleranceMs = Type.Integer({
  minimum: 1000,
  maximum: 86_400_000,
  // What Standard Webhooks and Stripe recommend.
  default: 300_000,
  description: 'How far the signed time may be from now, in both directions.',
})

const headerName = (description: string) => Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$", description })

/** How requests of a source prove who sent them. */
export const httpVerifySchema = Type.Union([
  Type.Object({ scheme: Type.Literal('standard-webhooks'), secrets, toleranceMs }, strict),
  Type.Object({ scheme: Type.Literal('github'), secrets }, strict),
  Type.Object({ scheme: Type.Literal('stripe'), secrets, toleranceMs }, strict),
  Type.Object({ scheme: Type.Literal('slack'), secrets, toleranceMs }, strict),
  Type.Object(
    {
      scheme: Type.Literal('hmac'),
      secrets,
      header: headerName('Header that carries the signature.'),
      algorithm: Type.Union([Type.Literal('sha256'), Type.Literal('sha384'), Type.Literal('sha512')], {
        default: 'sha256',
      }),
      encoding: Type.Union([Type.Literal('hex'), Type.Literal('base64')], { default: 'hex' }),
      prefix: Type.String({ default: '', description: 'What stands before the signature, such as `sha256=`.' }),
      timestampHeader: Type.Optional(
        headerName(
          'Header with the Unix time in seconds; `<time>.<body>` is signed then and old requests are refused.',
        ),
      ),
      toleranceMs,
    },
    strict,
  ),
])

/** What an HTTP source has beside the fields of every source. */
export const httpSourceFields = {
  type: Type.Literal('http'),
  path: Type.String({
    pattern: '^/[^\\s?#]*$',
    maxLength: 512,
    description: 'Exact path, such as /hooks/shop. No two sources share one.',
  }),
  accept: Type.Array(Type.String({ pattern: '^[^\\s/;]+/[^\\s/;]+$' }), {
    default: [],
    description: 'Media types that are taken, also as type/*; others are answered 415. Empty: all.',
  }),
  maxBodyBytes: Type.Integer({
    minimum: 1,
    maximum: 16 * 1024 * 1024,
    // Webhook senders stay far below it; GitHub's 25 MB is an outlier that has to be asked for.
    default: 1024 * 1024,
    description: 'Larger bodies are answered 413.',
  }),
  maxBatchEvents: Type.Integer({
    minimum: 1,
    maximum: 100_000,
    default: 10_000,
    description: 'Events in one request.',
  }),
  verify: Type.Optional(httpVerifySchema),
  deduplicate: Type.Optional(
    Type.Union(
      [
        Type.Literal(false),
        Type.Literal('event'),
        Type.Object({ header: headerName('Header with the id of the delivery.') }, strict),
        Type.Object({ pointer: Type.String({ pattern: '^(/.*)?$' }) }, strict),
      ],
      {
        description:
          'What makes two requests one: `event` (source and id of the CloudEvent), a header, a JSON pointer into ' +
          'the body, or false. Default: the delivery id of the `verify` scheme where it has one.',
      },
    ),
  ),
  limits: sourceLimitsSchema,
  allowedOrigins: Type.Array(Type.String({ minLength: 1 }), {
    default: [],
    description: 'Origins that pass the CloudEvents webhook handshake (OPTIONS); `*` is any. Empty: no handshake.',
  }),
  reply: Type.Optional(
    Type.Object(
      {
        function: Type.String({
          pattern: functionRefPattern,
          description: 'Function whose result is the answer: price, price@3 or price@live.',
        }),
        timeoutMs: Type.Integer({
          minimum: 1,
          maximum: 300_000,
          default: 30_000,
          description: 'Longest wait for the answer.',
        }),
        methods: Type.Array(
          Type.Union([
            Type.Literal('GET'),
            Type.Literal('POST'),
            Type.Literal('PUT'),
            Type.Literal('PATCH'),
            Type.Literal('DELETE'),
          ]),
          {
            default: ['POST'],
            minItems: 1,
            uniqueItems: true,
            description: 'Methods that are answered; the function finds it as context.http.method.',
          },
        ),
        subpaths: Type.Boolean({
          default: false,
          description: 'Whether everything below the path is answered, too: context.http.path has the whole of it.',
        }),
      },
      { ...strict, description: 'Runs a function and answers with its result; nothing is kept.' },
    ),
  ),
}

/** An HTTP source: one path that takes events, or with `reply` one that answers with a function's result. */
export const httpSourceSchema = Type.Object(
  { ...httpSourceFields, ...sourceFields },
  { ...strict, description: 'Takes events by HTTP POST.' },
)

export type HttpSourceConfig = Static<typeof httpSourceSchema>
export type HttpVerifyConfig = Static<typeof httpVerifySchema>
