import Type, { type Static } from 'typebox'
import { nameSchema } from './name.ts'
import { sourceFields } from './source-fields.ts'

const { enabled, description } = sourceFields

/** A schedule source: one event per tick of a cron expression. Its events have nothing to be mapped from. */
export const scheduleSourceSchema = Type.Object(
  {
    type: Type.Literal('schedule'),
    cron: Type.String({
      minLength: 1,
      maxLength: 256,
      description:
        'Five fields (minute, hour, day of month, month, day of week), six with seconds first, or @hourly, @daily, ' +
        '@weekly, @monthly, @yearly. When day of month and day of week are both given, either is enough.',
    }),
    timezone: Type.String({
      minLength: 1,
      maxLength: 64,
      // A time zone of the machine would move the ticks when the gateway moves.
      default: 'UTC',
      description: 'IANA name such as Europe/Berlin, in whose wall clock the fields are meant.',
    }),
    missed: Type.Union([Type.Literal('skip'), Type.Literal('last'), Type.Literal('all')], {
      // A nightly batch that fell into a restart should run once it can; a hundred of them at once should not.
      default: 'last',
      description:
        'What becomes of ticks that came more than a minute ago while the gateway was down, the machine slept or the ' +
        'stream was full: skip them, make up for the last one, or for all, at most the last 1,000.',
    }),
    data: Type.Optional(Type.Unknown({ description: 'Any JSON value: the body of every event. Default: no body.' })),
    eventType: Type.String({
      minLength: 1,
      default: 'sluice.schedule.tick',
      description: 'Attribute `type` of the events.',
    }),
    subject: Type.Optional(Type.String({ minLength: 1, description: 'Attribute `subject` of the events.' })),
    stream: Type.Optional(nameSchema("The stream that it feeds. Default: one of the source's own name.")),
    enabled,
    description,
  },
  { additionalProperties: false, description: 'Makes an event at every tick of a cron expression.' },
)

export type ScheduleSourceConfig = Static<typeof scheduleSourceSchema>
