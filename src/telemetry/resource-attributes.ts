import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/** What every span, metric and line of the log says about its gateway. */
export type ResourceAttributes = Readonly<Record<string, string | number>>

/** One per process, so that traces, metrics and logs of the same gateway are recognised as such. */
const instanceId = randomUUID()

/**
 * The resource by the names of the semantic conventions; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win. The SDK's
 * process detector is left out: it sends the command line, where people put secrets.
 */
export function resourceAttributes(version: string, env: NodeJS.ProcessEnv): ResourceAttributes {
  const serviceName = env['OTEL_SERVICE_NAME']?.trim()
  return {
    'service.name': 'sluice',
    'service.version': version,
    'service.instance.id': instanceId,
    'host.name': hostname(),
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    ...attributesOf(env['OTEL_RESOURCE_ATTRIBUTES'] ?? ''),
    ...(serviceName === undefined || serviceName === '' ? undefined : { 'service.name': serviceName }),
  }
}

/** `key=value,key=value`, percent-encoded; a list with an error in it is dropped as a whole (OpenTelemetry, "Resource SDK"). */
function attributesOf(list: string): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const pair of list.split(',')) {
    if (pair.trim() === '') continue
    const at = pair.indexOf('=')
    if (at < 1) return {}
    try {
      attributes[decodeURIComponent(pair.slice(0, at).trim())] = decodeURIComponent(pair.slice(at + 1).trim())
    } catch {
      return {}
    }
  }
  return attributes
}
