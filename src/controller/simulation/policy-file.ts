import { checkScaling } from '../../config/check-scaling.ts'
import { scalingSchema, type ScalingSection } from '../../config/sections/scaling.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { ScalingPolicy } from '../../functions/function-version.ts'
import { createSchemaCheck } from './schema-check.ts'

/**
 * Reads policies from a parsed file: a `scaling` section alone; something that has one, such as a function; or something
 * with `functions` that have them, such as a configuration. What else stands there is not looked at.
 *
 * @throws {SluiceError} SLUICE_CONTROLLER_SIMULATION for fields that are wrong or contradict each other.
 */
export function readPolicies(value: unknown, cores: number): (name: string) => ScalingPolicy {
  const { functions, scaling } = isRecord(value) ? value : {}
  if (functions === undefined) {
    const policy = readPolicy(scaling ?? value ?? {}, scaling === undefined ? 'policy' : 'scaling', cores)
    return () => policy
  }
  if (!isRecord(functions)) throw refused('functions: must map names to functions')
  const policies = new Map<string, ScalingPolicy>()
  for (const [name, definition] of Object.entries(functions)) {
    const section = isRecord(definition) ? (definition['scaling'] ?? {}) : {}
    policies.set(name, readPolicy(section, `functions.${name}.scaling`, cores))
  }
  return name => {
    const policy = policies.get(name)
    if (policy !== undefined) return policy
    throw refused(`functions: there is no '${name}', which the load has; it has ${[...policies.keys()].join(', ')}`)
  }
}

function readPolicy(section: unknown, root: string, cores: number): ScalingPolicy {
  const scaling = createSchemaCheck(scalingSchema, root)(section) as ScalingSection
  const problems = checkScaling(scaling).map(({ path, message }) => `${root}.${path.join('.')}: ${message}`)
  if (problems.length > 0) throw refused(problems.join('; '))
  return { ...scaling, maxWorkers: scaling.maxWorkers ?? Math.max(2, cores, scaling.minWorkers) }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refused(message: string): SluiceError {
  return new SluiceError('SLUICE_CONTROLLER_SIMULATION', message)
}
