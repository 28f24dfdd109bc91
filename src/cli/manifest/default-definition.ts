import type { JsonSchema } from '../../config/json-schema.ts'
import { breakerSchema } from '../../config/sections/breaker.ts'
import { functionDefinitionSchema, type FunctionDefinition } from '../../config/sections/function-definition.ts'
import { triggerSchema, type TriggerConfig } from '../../config/sections/trigger.ts'
import { validateNode } from '../../config/validate-node.ts'

const nothing = { kind: 'map', line: 1, column: 1, entries: new Map() } as const

/** A definition in which nothing is said. */
export function defaultDefinition(): FunctionDefinition {
  return validateNode(functionDefinitionSchema as unknown as JsonSchema, nothing, []) as FunctionDefinition
}

/** What a trigger has where nothing is said; its stream and function are missing. */
export function defaultTrigger(): Omit<TriggerConfig, 'stream' | 'function'> {
  return validateNode(triggerSchema as unknown as JsonSchema, nothing, []) as TriggerConfig
}

/** A circuit breaker of which nothing is said. */
export function defaultBreaker(): NonNullable<TriggerConfig['breaker']> {
  return validateNode(breakerSchema as unknown as JsonSchema, nothing, []) as NonNullable<TriggerConfig['breaker']>
}
