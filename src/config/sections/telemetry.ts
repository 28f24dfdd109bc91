import Type, { type Static } from 'typebox'

/** Traces and metrics. Where traces go is said by the standard OTEL_* environment variables. */
export const telemetrySchema = Type.Object(
  {
    traces: Type.Union([Type.Literal('auto'), Type.Literal('on'), Type.Literal('off')], {
      default: 'auto',
      description: 'auto: on when OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is set.',
    }),
    sampleRatio: Type.Number({
      minimum: 0,
      maximum: 1,
      default: 1,
      description: "Share of events without a sender's decision that are traced.",
    }),
    metrics: Type.Boolean({ default: true, description: 'Serves /metrics.' }),
  },
  { additionalProperties: false, default: {}, description: 'Traces and metrics.' },
)

export type TelemetryConfig = Static<typeof telemetrySchema>
