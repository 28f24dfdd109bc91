import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'

export type Resource = ReturnType<typeof defaultResource>

/** One per process, so that traces and metrics of the same gateway are recognised as such. */
const instanceId = randomUUID()

/**
 * What every span and metric says about its gateway. `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win. The SDK's
 * process detector is left out: it sends the command line, where people put secrets.
 */
export function createResource(version: string): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'sluice',
        'service.version': version,
        'service.instance.id': instanceId,
        'host.name': hostname(),
        'process.pid': process.pid,
        'process.runtime.name': 'nodejs',
        'process.runtime.version': process.versions.node,
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }))
}
