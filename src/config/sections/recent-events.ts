import Type, { type Static } from 'typebox'

/** The index that answers what happened to a recent event, by id, key, trace or position. */
export const recentEventsSchema = Type.Object(
  {
    enabled: Type.Boolean({ default: true, description: 'Whether what happens to events is kept.' }),
    maxBytes: Type.Integer({
      minimum: 1024 * 1024,
      maximum: 64 * 1024 ** 3,
      default: 256 * 1024 * 1024,
      description:
        'Size of the index; the oldest goes first. Half of it belongs to events that something went wrong with.',
    }),
    maxAgeMs: Type.Integer({
      minimum: 60_000,
      maximum: 365 * 86_400_000,
      default: 86_400_000,
      description: 'What is older goes, in ms.',
    }),
    maxPerSecond: Type.Integer({
      minimum: 0,
      maximum: 1_000_000,
      default: 1_000,
      description:
        'Events per second that are kept in detail; of more, a share is, and the rest is counted. Events with a failed attempt always are.',
    }),
  },
  {
    additionalProperties: false,
    default: {},
    description: 'The index of what happened to recent events, in dataDir/recent-events.sqlite.',
  },
)

export type RecentEventsConfig = Static<typeof recentEventsSchema>
