import Type, { type Static } from 'typebox'

/** The one HTTP listener: HTTP sources, API, health and metrics. */
export const httpListenerSchema = Type.Object(
  {
    host: Type.String({
      minLength: 1,
      // Without authentication nothing but this machine may reach the gateway.
      default: '127.0.0.1',
      description: 'Address to bind.',
    }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 8080, description: 'TCP port; 0 takes a free one.' }),
    insecure: Type.Boolean({
      default: false,
      description: 'Allows an address other than loopback although no authentication is configured.',
    }),
    maxConnections: Type.Integer({ minimum: 1, default: 10_000, description: 'Open connections; more are refused.' }),
    maxInflightRequests: Type.Integer({
      minimum: 1,
      // A waiting request costs some 10 KiB beside its body: 100 MiB at the limit.
      default: 10_000,
      description: 'Requests of HTTP sources in progress; more are answered 503.',
    }),
    maxInflightBytes: Type.Integer({
      minimum: 1024,
      // Leaves room below a 400 MiB process while every source is refused.
      default: 64 * 1024 * 1024,
      description: 'Bytes of request bodies in progress; more are answered 503.',
    }),
    headersTimeoutMs: Type.Integer({
      minimum: 100,
      // Node's own 60 s is for browsers on bad lines.
      default: 10_000,
      description: 'For the headers of a request to arrive.',
    }),
    requestTimeoutMs: Type.Integer({
      minimum: 100,
      // Fastify's default is no limit: a body that trickles in would be held open for ever.
      default: 30_000,
      description: 'For a whole request to arrive, headers and body.',
    }),
    keepAliveTimeoutMs: Type.Integer({
      minimum: 100,
      default: 5_000,
      description: 'How long an idle connection is kept.',
    }),
    maxHeaderBytes: Type.Integer({ minimum: 1024, maximum: 1_048_576, default: 16 * 1024 }),
    trustProxy: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description: 'CIDRs of reverse proxies whose X-Forwarded headers are believed.',
    }),
  },
  { additionalProperties: false, default: {}, description: 'The HTTP listener of sources, API, health and metrics.' },
)

export type HttpListenerConfig = Static<typeof httpListenerSchema>
