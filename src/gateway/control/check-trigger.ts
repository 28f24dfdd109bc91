import { reservedPrefix } from '../../config/check-references.ts'
import { checkTriggerDelivery } from '../../config/check-trigger-delivery.ts'
import { didYouMean } from '../../config/did-you-mean.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import type { SinkConfig } from '../../config/schema.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { compileFilter } from '../../events/filter.ts'
import type { Filter } from '../../events/filter-schema.ts'
import type { RegistryState, TriggerDefinition } from '../../registry/registry-records.ts'
import { resolveRef } from '../fleet/ref-targets.ts'

/** What a trigger may refer to. */
export interface TriggerSurroundings {
  readonly streams: Iterable<string>
  readonly sinks: ReadonlyMap<string, SinkConfig>
}

/**
 * Whether a trigger fits what the gateway has: stream and sinks that are there, a filter that compiles, and what the role of
 * the function allows. The registry checks the function itself.
 * @throws {SluiceError} SLUICE_REGISTRY_INVALID naming the field.
 */
export function checkTrigger(
  name: string,
  definition: TriggerDefinition,
  { streams, sinks }: TriggerSurroundings,
  state: RegistryState,
): void {
  const invalid = (field: string, message: string): never => {
    throw new SluiceError('SLUICE_REGISTRY_INVALID', `trigger ${name}: ${field}: ${message}`, { details: { field } })
  }
  if (name.startsWith(reservedPrefix)) invalid('name', `names that begin with ${reservedPrefix} belong to the gateway`)
  const known = [...streams]
  if (!known.includes(definition.stream))
    invalid('stream', `there is no stream '${definition.stream}'${didYouMean(definition.stream, known)}`)
  for (const [index, sink] of definition.sinks.entries())
    if (!sinks.has(sink)) invalid(`sinks[${index}]`, `there is no sink '${sink}'${didYouMean(sink, sinks.keys())}`)
  try {
    if (definition.filter !== undefined) compileFilter(definition.filter as Filter)
  } catch (error) {
    invalid('filter', messageOf(error))
  }
  for (const { path, message } of checkTriggerDelivery(definition)) invalid(path.join('.'), message)
  const ref = parseFunctionRef(definition.function)
  if (ref === undefined) return
  // An alias may move to a version with another role later; the sinks hold it to that one then.
  for (const { record } of resolveRef(state, ref).versions) {
    const { role } = record.definition
    const who = `the role of ${ref.name}@${record.version}`
    if (role?.streams?.includes(definition.stream) === false)
      invalid('stream', `${who} does not allow the stream '${definition.stream}'`)
    for (const [index, sink] of definition.sinks.entries()) {
      if (role?.sinks?.includes(sink) === false) invalid(`sinks[${index}]`, `${who} does not allow the sink '${sink}'`)
      const config = sinks.get(sink)
      if (config?.type === 'stream' && role?.streams?.includes(config.stream) === false)
        invalid(`sinks[${index}]`, `${who} does not allow the stream '${config.stream}' of the sink '${sink}'`)
    }
  }
}
