import Type from 'typebox'

/** Names of streams, sources, functions, sinks and triggers: they become parts of URLs, group ids, topics and file names. */
export const namePattern = '^[a-z0-9][a-z0-9-]{0,62}$'

/** The name of another section's entry. */
export const nameSchema = (description: string) => Type.String({ pattern: namePattern, description })

/** A map of sections by name. */
export const namedSchema = <Section extends Type.TSchema>(section: Section, description: string) =>
  Type.Record(Type.String({ pattern: namePattern }), section, { description, default: {} })
