import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { TSchema } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import { requestSchema } from '../request-schema.ts'
import { schemaProblems } from './schema-problems.ts'

/** Problems that one answer lists. */
const maxShown = 10

/*
 * Nothing is removed and nothing is coerced: a field that is not known or of another type is a mistake of the caller, who
 * wants to hear of it. `strict` is off because descriptions and defaults stand in places that ajv has no use for.
 */
const ajv = new Ajv2020({ allErrors: true, useDefaults: true, strict: false, verbose: true, logger: false })

/**
 * Checks a value against a schema, fills in its defaults (in place) and returns it. Compiled at first use, because most
 * operations of a process are never called.
 * @param root what the value is called in messages: body, query.
 */
export function createValidator(schema: TSchema, root: string): (value: unknown) => unknown {
  let validate: ValidateFunction | undefined
  return value => {
    validate ??= ajv.compile(requestSchema(schema))
    if (validate(value)) return value
    const problems = schemaProblems(validate.errors ?? [], root)
    // The findings hold on to the whole value.
    validate.errors = null
    const more = problems.length > maxShown ? `; and ${problems.length - maxShown} more` : ''
    throw new SluiceError('SLUICE_API_INVALID_REQUEST', `${problems.slice(0, maxShown).join('; ')}${more}`, {
      details: { problems: problems.slice(0, maxShown) },
    })
  }
}
