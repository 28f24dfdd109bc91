import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricsRegistry } from './metrics-registry.ts'

/** How often the delay is sampled: each sample wakes the event loop. */
const resolutionMs = 20

/**
 * Health of the gateway's own process, named as OpenTelemetry names it (semantic conventions for process, Node.js and
 * V8). @returns a function that stops the measurement.
 */
export function registerProcessMetrics(registry: MetricsRegistry, version: string): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs })
  delay.enable()
  const seconds = (nanoseconds: number): number => nanoseconds / 1e9
  const delays = [
    ['p50', 'Median', () => delay.percentile(50)],
    ['p99', '99th percentile', () => delay.percentile(99)],
    ['max', 'Maximum', () => delay.max],
  ] as const
  for (const [name, which, read] of delays) {
    registry.gauge(
      {
        name: `nodejs.eventloop.delay.${name}`,
        help: `${which} of the event loop's delay since the start.`,
        unit: 's',
      },
      // Nothing measured yet reads as NaN or as the smallest integer.
      () => (delay.count === 0 ? [] : [[{}, seconds(read())]]),
    )
  }
  registry.gauge({ name: 'process.memory.usage', help: 'Resident memory.', unit: 'By' }, () => [
    [{}, process.memoryUsage.rss()],
  ])
  registry.gauge({ name: 'v8js.memory.heap.used', help: 'JavaScript heap in use.', unit: 'By' }, () => [
    [{}, process.memoryUsage().heapUsed],
  ])
  registry.gauge({ name: 'v8js.memory.heap.limit', help: 'JavaScript heap reserved.', unit: 'By' }, () => [
    [{}, process.memoryUsage().heapTotal],
  ])
  registry.counter({ name: 'process.cpu.time', help: 'CPU time of the process with its workers.', unit: 's' }, () => {
    const { user, system } = process.cpuUsage()
    return [
      [{ 'cpu.mode': 'user' }, user / 1e6],
      [{ 'cpu.mode': 'system' }, system / 1e6],
    ]
  })
  registry.gauge({ name: 'process.uptime', help: 'Since the start of the process.', unit: 's' }, () => [
    [{}, process.uptime()],
  ])
  registry.gauge({ name: 'sluice_build_info', help: 'Always 1; the labels say what runs.' }, () => [
    [{ version, node: process.versions.node }, 1],
  ])
  return () => void delay.disable()
}
