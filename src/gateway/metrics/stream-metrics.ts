import type { EmbeddedLogStats } from '../../log/embedded/embedded-log-stats.ts'
import { inSeconds } from '../../telemetry/histogram.ts'
import type { Labels } from '../../telemetry/metric-reading.ts'
import type { GatewayView } from '../gateway-view.ts'
import { endsOf } from './trigger-progress.ts'

/** As many as the partitions of a large stream. */
const maxPartitionSeries = 20_000

const streamLabels = ['stream'] as const

/** The logs of the home streams, and the disk that they are on. */
export function registerStreamMetrics(view: GatewayView): void {
  registerLogs(view)
  registerDisk(view)
}

function registerLogs({ metrics: registry, ...view }: GatewayView): void {
  const each = (value: (stats: EmbeddedLogStats) => number) =>
    function* () {
      for (const { name, log } of view.streams.values()) yield [{ stream: name }, value(log.stats())] as const
    }
  type Value = (stats: EmbeddedLogStats) => number
  const gauge = (name: string, unit: string, help: string, value: Value): void =>
    registry.gauge({ name, help, unit, labels: streamLabels }, each(value))
  const counter = (name: string, unit: string, help: string, value: Value): void =>
    registry.counter({ name, help, unit, labels: streamLabels }, each(value))
  registry.gauge(
    {
      name: 'sluice.end.offset',
      help: 'The offset that the next record gets, by partition.',
      unit: '{offset}',
      labels: ['stream', 'partition'],
      maxSeries: maxPartitionSeries,
    },
    async () => {
      const series: (readonly [Labels, number])[] = []
      for (const [stream, ends] of await endsOf(view))
        for (const [partition, { end }] of ends.entries())
          if (series.length <= maxPartitionSeries) series.push([{ stream, partition: String(partition) }, end])
      return series
    },
  )
  gauge('sluice.log.size', 'By', 'Bytes of a stream on disk.', stats => stats.bytes)
  registry.gauge(
    {
      name: 'sluice.log.quota',
      help: 'Bytes at which the stream is full and its sources refuse.',
      unit: 'By',
      labels: streamLabels,
    },
    function* () {
      for (const { name, maxBytes } of view.streams.values())
        if (maxBytes !== undefined) yield [{ stream: name }, maxBytes] as const
    },
  )
  gauge('sluice.log.segments', '{segment}', 'Segment files of a stream.', stats => stats.segments)
  gauge('sluice.log.waiting', '{append}', 'Appends and commits that wait for the disk.', stats => stats.waiting)
  counter('sluice.log.appended', '{event}', 'Events made durable.', stats => stats.appended)
  counter('sluice.log.damaged', '{range}', 'Damaged ranges that were stepped over.', stats => stats.damaged)
  counter(
    'sluice.log.truncated',
    'By',
    'Bytes of a torn tail that were cut away when the stream was opened.',
    stats => stats.truncatedBytes,
  )
  registry.histogram(
    {
      name: 'sluice.log.sync.duration',
      help: 'Writing one group of appends and commits, its sync to disk included.',
      unit: 's',
      labels: streamLabels,
    },
    function* () {
      for (const { name, syncMs } of view.streams.values())
        yield [{ stream: name }, inSeconds(syncMs.snapshot())] as const
    },
  )
}

function registerDisk({ metrics: registry, ...view }: GatewayView): void {
  registry.gauge(
    {
      name: 'sluice.disk.free',
      help: 'Bytes free on the disk of the data directory; absent when it does not tell.',
      unit: 'By',
    },
    async () => {
      await view.reserve.check()
      return [[{}, view.reserve.freeBytes]]
    },
  )
  registry.gauge(
    {
      name: 'sluice.disk.reserve',
      help: 'Free bytes that are kept for completions and dead letters: below it sources refuse.',
      unit: 'By',
    },
    () => [[{}, view.reserve.bytes]],
  )
  registry.gauge(
    {
      name: 'sluice.disk.reserve.low',
      help: '1 while the disk has room for completions and dead letters only.',
    },
    () => [[{}, view.reserve.isLow ? 1 : 0]],
  )
}
