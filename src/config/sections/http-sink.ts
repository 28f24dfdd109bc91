import Type, { type Static } from 'typebox'

/** An HTTP sink: every result becomes one request. */
export const httpSinkSchema = Type.Object(
  {
    type: Type.Literal('http'),
    url: Type.String({
      pattern: '^https?://',
      description: 'Where results go. Placeholders such as {subject} are allowed in path and query.',
    }),
    method: Type.Union([Type.Literal('POST'), Type.Literal('PUT')], { default: 'POST' }),
    contentMode: Type.Union([Type.Literal('binary'), Type.Literal('structured'), Type.Literal('plain')], {
      default: 'binary',
      description:
        'How a CloudEvent is written: attributes in headers (binary), one JSON envelope (structured), or the bare ' +
        'body (plain).',
    }),
    headers: Type.Record(Type.String({ pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" }), Type.String(), {
      default: {},
      description: 'Sent with every request, such as authorization.',
    }),
    timeoutMs: Type.Integer({
      minimum: 1,
      maximum: 300_000,
      // What webhook receivers are told to stay below.
      default: 10_000,
      description: 'For one whole request.',
    }),
    connections: Type.Integer({ minimum: 1, maximum: 1024, default: 32, description: 'Connections to one origin.' }),
    allowPrivate: Type.Boolean({
      // Whoever writes the configuration already decides what runs here; a shared gateway turns it off.
      default: true,
      description: 'Whether loopback, private and link-local addresses may be called.',
    }),
  },
  { additionalProperties: false, description: 'Sends results by HTTP.' },
)

export type HttpSinkConfig = Static<typeof httpSinkSchema>
