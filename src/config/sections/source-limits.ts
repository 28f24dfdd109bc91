import Type, { type Static } from 'typebox'

/** What one source takes at most; beyond it HTTP answers 429, and MQTT senders are not read from. */
export const sourceLimitsSchema = Type.Optional(
  Type.Object(
    {
      ratePerSecond: Type.Optional(
        Type.Number({
          minimum: 0.001,
          maximum: 10_000_000,
          description: 'Events per second, over time. Default: no limit.',
        }),
      ),
      burst: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 10_000_000,
          description: 'Events that are taken at once after a quiet time. Default: those of one second.',
        }),
      ),
      maxInFlightBytes: Type.Optional(
        Type.Integer({
          minimum: 1_024,
          description:
            'Bytes of the source that wait to become durable. Default: those of the listener (http.maxInflightBytes, ' +
            'mqtt.maxHeldBytes), shared with the other sources of HTTP.',
        }),
      ),
    },
    { additionalProperties: false, description: 'Keeps one source from taking the room of all.' },
  ),
)

export type SourceLimits = NonNullable<Static<typeof sourceLimitsSchema>>
