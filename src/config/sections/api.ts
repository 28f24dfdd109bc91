import Type, { type Static } from 'typebox'

/** The REST API under /v1. It shares the HTTP listener with the sources. */
export const apiSchema = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'false serves only /healthz, /readyz and /metrics.' }),
    dashboard: Type.Boolean({
      default: true,
      description: 'Whether the dashboard is served at /dashboard/; it needs the API.',
    }),
    token: Type.Optional(
      Type.String({ minLength: 16, description: 'Bearer token that /v1 and /metrics ask for. Take it from ${NAME}.' }),
    ),
  },
  { additionalProperties: false, default: {}, description: 'The REST API.' },
)

export type ApiConfig = Static<typeof apiSchema>
