import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import type { TSchema } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'

const maxShown = 10

/**
 * Checks a value against a schema and returns a copy with its defaults. Compiled at first use.
 * @param root what the value is called in messages.
 */
export function createSchemaCheck(schema: TSchema, root: string): (value: unknown) => unknown {
  let validate: ValidateFunction | undefined
  return given => {
    validate ??= new Ajv2020({ allErrors: true, useDefaults: true, strict: false, logger: false }).compile(schema)
    const value: unknown = structuredClone(given)
    if (validate(value)) return value
    // What a union found in each of its branches confuses more than it tells.
    const problems = [...new Set((validate.errors ?? []).filter(isTelling).map(error => sentence(error, root)))]
    const more = problems.length > maxShown ? `; and ${problems.length - maxShown} more` : ''
    throw new SluiceError('SLUICE_CONTROLLER_SIMULATION', `${problems.slice(0, maxShown).join('; ')}${more}`)
  }
}

function isTelling({ keyword, schemaPath }: ErrorObject): boolean {
  return keyword === 'anyOf' || !schemaPath.includes('/anyOf/')
}

function sentence({ instancePath, keyword, message, params }: ErrorObject, root: string): string {
  const path = `${root}${instancePath.replaceAll('/', '.')}`
  if (keyword === 'additionalProperties') {
    return `${path}: there is no field '${(params as { additionalProperty: string }).additionalProperty}'`
  }
  if (keyword === 'anyOf') return `${path}: is of none of the kinds that are possible here`
  if (keyword === 'const')
    return `${path}: must be ${JSON.stringify((params as { allowedValue: unknown }).allowedValue)}`
  return `${path}: ${message ?? 'is not valid'}`
}
