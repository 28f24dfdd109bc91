import { LoopDelay } from './loop-delay.ts'
import type { MetricsRegistry } from './metrics-registry.ts'

/**
 * Health of the gateway's own process, named as OpenTelemetry names it (semantic conventions for process, Node.js and
 * V8). @returns a function that stops the measurement.
 */
export function registerProcessMetrics(registry: MetricsRegistry, version: string): () => void {
  const loop = new LoopDelay()
  const delays = [
    ['p50', 'Median'],
    ['p99', '99th percentile'],
    ['max', 'Maximum'],
  ] as const
  for (const [name, which] of delays) {
    registry.gauge(
      {
        name: `nodejs.eventloop.delay.${name}`,
        help: `${which} of the event loop's delay, of the worst ten seconds in the last thirty.`,
        unit: 's',
      },
      () => {
        const { delay } = loop.read()
        return delay === undefined ? [] : [[{}, delay[name]]]
      },
    )
  }
  registry.gauge(
    { name: 'nodejs.eventloop.utilization', help: 'Share of the time in which the event loop was busy.', unit: '1' },
    () => [[{}, loop.read().utilization]],
  )
  registry.gauge({ name: 'process.memory.usage', help: 'Resident memory.', unit: 'By' }, () => [
    [{}, process.memoryUsage.rss()],
  ])
  registry.gauge({ name: 'v8js.memory.heap.used', help: 'JavaScript heap in use.', unit: 'By' }, () => [
    [{}, process.memoryUsage().heapUsed],
  ])
  registry.gauge({ name: 'v8js.memory.heap.limit', help: 'JavaScript heap reserved.', unit: 'By' }, () => [
    [{}, process.memoryUsage().heapTotal],
  ])
  registry.counter(
    {
      name: 'process.cpu.time',
      help: 'CPU time of the process with its workers.',
      unit: 's',
      labels: ['cpu.mode'],
    },
    () => {
      const { user, system } = process.cpuUsage()
      return [
        [{ 'cpu.mode': 'user' }, user / 1e6],
        [{ 'cpu.mode': 'system' }, system / 1e6],
      ]
    },
  )
  registry.gauge({ name: 'process.uptime', help: 'Since the start of the process.', unit: 's' }, () => [
    [{}, process.uptime()],
  ])
  registry.gauge(
    { name: 'sluice.build_info', help: 'Always 1; the labels say what runs.', labels: ['version', 'node'] },
    () => [[{ version, node: process.versions.node }, 1]],
  )
  return () => loop.stop()
}
