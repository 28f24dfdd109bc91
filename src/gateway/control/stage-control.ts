import type { StageControl } from '../../api/gateway-control.ts'
import type { StreamView } from '../../api/views/gateway-view.ts'
import { messageOf } from '../../errors/sluice-error.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import type { GatewayView } from '../gateway-view.ts'
import { healthOf } from '../health.ts'

/** Sources, streams, sinks, health and metrics, as they are. */
export function createStageControl(view: GatewayView): StageControl {
  const { config } = view
  return {
    sources: () =>
      Promise.resolve(
        [...view.sources].map(([name, source]) => ({
          name,
          kind: source.kind,
          stream: config.sources.get(name)?.stream ?? null,
          ...source.stats(),
        })),
      ),
    async streams() {
      const home = [...view.streams.values()].map(async ({ name, log }) =>
        streamViewOf(name, 'home', await log.ends(), log.stats().bytes),
      )
      const kafka = [...kafkaLogs(view)].map(async ([name, log]) => {
        try {
          return streamViewOf(name, 'kafka', await view.ends.of(log), null)
        } catch (error) {
          return { ...streamViewOf(name, 'kafka', [], null), detail: messageOf(error) }
        }
      })
      return Promise.all([...home, ...kafka])
    },
    sinks: () =>
      Promise.resolve([...view.sinks.values()].map(sink => ({ name: sink.name, kind: sink.kind, ...sink.health() }))),
    health: () => healthOf(view),
    metrics: () => view.metrics.collect(),
  }
}

function streamViewOf(
  name: string,
  kind: 'home' | 'kafka',
  ends: readonly { readonly low: number; readonly end: number }[],
  bytes: number | null,
): StreamView {
  return { name, kind, partitions: ends.map(({ low, end }, partition) => ({ partition, low, end })), bytes }
}

/** Kafka-backed streams that a trigger reads. */
function kafkaLogs(view: GatewayView): ReadonlyMap<string, PartitionLog> {
  const logs = new Map([...view.triggers.running.values()].map(({ record, log }) => [record.definition.stream, log]))
  for (const name of view.streams.keys()) logs.delete(name)
  return logs
}
