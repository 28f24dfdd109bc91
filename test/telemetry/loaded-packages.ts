// A program of its own, as only a fresh process can tell what was loaded.
import { registerHooks } from 'node:module'

const packages = new Set<string>()
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context)
    const match = /\/@opentelemetry\/([^/]+)\//.exec(resolved.url)
    if (match?.[1] !== undefined) packages.add(match[1])
    return resolved
  },
})

const { startTelemetry } = await import('../../src/telemetry/start-telemetry.ts')
const { MetricsRegistry } = await import('../../src/telemetry/metrics-registry.ts')
const { Histogram } = await import('../../src/telemetry/histogram.ts')

const logger = { warn: (facts: object, message: string) => console.error(message, facts) }
const telemetry = await startTelemetry({ config: JSON.parse(process.argv[2]!), version: '1', logger })
const registry = new MetricsRegistry()
registry.counter({ name: 'events', help: 'Events seen', unit: '{event}' }, () => [[{ source: 'web' }, 3]])
const durations = new Histogram()
durations.record(0.5)
durations.record(12)
registry.histogram({ name: 'duration', help: 'Duration', unit: 'ms' }, () => [[{}, durations.snapshot()]])
telemetry.attach(registry)
telemetry.tracer.receive(undefined, 'a', {})?.end()
await telemetry.shutdown()
console.log(JSON.stringify({ enabled: telemetry.tracer.enabled, packages: [...packages].sort() }))
