import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import type { ResourceAttributes } from './resource-attributes.ts'

export type Resource = ReturnType<typeof defaultResource>

/** The resource as the SDK takes it, with what the SDK says about itself. */
export function createResource(attributes: ResourceAttributes): Resource {
  return defaultResource().merge(resourceFromAttributes(attributes))
}
