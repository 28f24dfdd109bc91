import type { Config } from '../config/config.ts'

/** Where a gateway listens, as URLs. */
export interface GatewayAddresses {
  readonly http: string
  /** undefined: the embedded broker does not run. */
  readonly mqtt?: string | undefined
}

/**
 * What a gateway prints when it is ready: where it listens, what is off and why, and a command to copy per example. Pure;
 * `{http}`, `{mqtt}`, `{mqtt.host}`, `{mqtt.port}` and `{kafka}` in the examples become the real addresses.
 */
export function readyBanner(config: Config, addresses: GatewayAddresses, version: string): string {
  const { kafka } = config
  const lines = [`Sluice ${version} is ready.`, `  HTTP   ${addresses.http}  (${served(config)})`]
  if (addresses.mqtt !== undefined) lines.push(`  MQTT   ${addresses.mqtt}  (3.1.1)`)
  lines.push(
    `  Kafka  ${kafka.brokers.length === 0 ? 'off: set KAFKA_BROKERS to switch it on' : kafka.brokers.join(', ')}`,
  )
  lines.push(`  Data   ${config.dataDir}`)
  const off = config.disabled.map(({ kind, name }) => `${kind} ${name}`)
  if (off.length > 0) lines.push(`  Off    ${off.join(', ')}`)

  const values = placeholders(config, addresses)
  for (const [title, command] of config.examples) {
    const missing = [...command.matchAll(placeholder)].some(([, name]) => name !== undefined && values.get(name) === '')
    // A command that needs Kafka would only fail while it is off.
    if (missing) continue
    const filled = command.trimEnd().replaceAll(placeholder, (whole, name: string) => values.get(name) ?? whole)
    lines.push('', `# ${title}`, ...filled.split('\n'))
  }
  return `\n${lines.join('\n')}\n\n`
}

function served({ api }: Config): string {
  const probes = '/healthz, /readyz, /metrics'
  if (!api.enabled) return `sources, ${probes}`
  return `${api.dashboard ? 'dashboard at /, ' : ''}sources, API at /v1, ${probes}`
}

const placeholder = /\{(http|mqtt|mqtt\.host|mqtt\.port|kafka)\}/g

function placeholders(config: Config, addresses: GatewayAddresses): ReadonlyMap<string, string> {
  const mqtt = addresses.mqtt === undefined ? undefined : new URL(addresses.mqtt)
  return new Map([
    ['http', addresses.http],
    ['mqtt', addresses.mqtt ?? ''],
    ['mqtt.host', mqtt?.hostname.replace(/^\[(.*)\]$/, '$1') ?? ''],
    ['mqtt.port', mqtt?.port ?? ''],
    ['kafka', config.kafka.brokers.join(',')],
  ])
}
