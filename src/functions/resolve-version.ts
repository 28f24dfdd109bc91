import { availableParallelism } from 'node:os'
import { checkDefinition } from '../config/check-definition.ts'
import type { KafkaConfig } from '../config/config.ts'
import type { BindingConfig } from '../config/sections/binding.ts'
import type { FunctionBinding, FunctionDefinition } from '../config/sections/function-definition.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import type { CodeRef } from './code-ref.ts'
import type { FunctionVersion, ResolvedBinding } from './function-version.ts'

/** What a version needs of the gateway to run. */
export interface VersionSurroundings {
  /** Values by name. */
  readonly secrets: ReadonlyMap<string, string>
  readonly bindings: ReadonlyMap<string, BindingConfig>
  readonly kafka: KafkaConfig
  /** Absolute path of the module of an artifact. */
  modulePath(hash: string): string
}

/** A version as the registry keeps it. */
export interface StoredVersion {
  readonly version: number | 'latest'
  readonly hash: string
  readonly code: CodeRef
  readonly definition: FunctionDefinition
}

/**
 * Makes a version runnable: the values of its secrets, its bindings with their credentials, the place of its code.
 * @throws {SluiceError} SLUICE_REGISTRY_INVALID when it refers to something that the gateway does not have (any more).
 */
export function resolveVersion(name: string, stored: StoredVersion, around: VersionSurroundings): FunctionVersion {
  const { definition, code } = stored
  const problems = checkDefinition(definition, around)
  if (problems.length > 0) {
    const lines = problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
    throw new SluiceError('SLUICE_REGISTRY_INVALID', `function ${name}: ${lines.join('; ')}`, { details: { problems } })
  }
  const { description: _description, runtime: _runtime, secrets, bindings, scaling, ...rest } = definition
  const maxWorkers = scaling.maxWorkers ?? Math.max(2, availableParallelism(), scaling.minWorkers)
  return Object.freeze({
    ...rest,
    name,
    version: String(stored.version),
    hash: stored.hash,
    file: code.kind === 'file' ? code.path : around.modulePath(code.hash),
    selfContained: code.kind === 'artifact',
    secrets: mapValues(secrets, secret => around.secrets.get(secret) as string),
    bindings: mapValues(bindings, binding => resolveBinding(binding, around)),
    scaling: { ...scaling, maxWorkers },
  })
}

function resolveBinding({ use, ...defaults }: FunctionBinding, around: VersionSurroundings): ResolvedBinding {
  const binding = around.bindings.get(use) as BindingConfig
  switch (binding.type) {
    case 'http': {
      const { bearer, ...connection } = binding
      const token = bearer === undefined ? undefined : around.secrets.get(bearer)
      return { ...connection, ...defaults, ...(token === undefined ? {} : { token }) }
    }
    case 'mqtt':
      return { ...binding, ...defaults }
    case 'kafka': {
      const { brokers, clientId, ssl, sasl } = around.kafka
      const security = { ...(ssl === undefined ? {} : { ssl }), ...(sasl === undefined ? {} : { sasl }) }
      return { type: 'kafka', brokers, clientId, ...security, ...defaults }
    }
  }
}

/** A record without prototype: names come from users. */
function mapValues<From, To>(record: Readonly<Record<string, From>>, map: (value: From) => To): Record<string, To> {
  const mapped: Record<string, To> = {}
  for (const [name, value] of Object.entries(record)) mapped[name] = map(value)
  return mapped
}
