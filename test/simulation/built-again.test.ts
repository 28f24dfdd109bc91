import { expect, it } from 'vitest'
import type { HomeStore } from '../../src/store/home-store.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { SectorDisk } from '../chaos/log/sector-disk.ts'
import { definitionOf, publish, putAlias, putFunction, putTrigger } from '../registry/registry-fixtures.ts'
import { incoming } from './event-senders.ts'
import { MemoryStore, StoreTables } from './memory-store.ts'
import { SimulatedGateway, streamName } from './simulated-gateway.ts'

class RefusingStore extends MemoryStore {
  refusals = 1

  override parkedKeys(trigger: string): ReturnType<MemoryStore['parkedKeys']> {
    if (this.refusals-- > 0) return Promise.reject(new SluiceError('SLUICE_STORE_WRITE', 'locked'))
    return super.parkedKeys(trigger)
  }
}

it('builds a trigger again that could not be built for a reason that passes', async () => {
  const ran = Promise.withResolvers<string>()
  let ids = 0
  const gateway = await SimulatedGateway.open({
    files: new SectorDisk({ hasSyncWrites: true }),
    store: new RefusingStore({ tables: new StoreTables(), later: setImmediate }) as unknown as HomeStore,
    sinks: new Map(),
    handlers: {
      begin: () => ({ act: 'done', tookMs: 0, isUntold: false }),
      ended: (_trigger, { id }) => ran.resolve(id),
      resultsOf: () => [],
      permitted: () => undefined,
      nowUs: () => 0,
      sleep: () => Promise.resolve(),
      coldStartMs: () => 0,
    },
    ...{ partitions: 1, segmentBytes: 100_000, retentionBytes: undefined, snapshotCommands: 100 },
    random32: () => ++ids,
    randomId: () => `id-${++ids}`,
    onFatal: error => ran.reject(error),
    onLogLine: () => undefined,
  })
  try {
    const definition = definitionOf({ scaling: { ...definitionOf().scaling, maxWorkers: 1 } })
    await gateway.change(() => [
      putFunction('work', 1, { definition }),
      publish('work', 1),
      putAlias('work', 'live', [[1, 100]]),
      putTrigger('plain', 'work@live', {
        definition: {
          ...{ stream: streamName, enabled: true, function: 'work@live', ordering: 'key', start: 'earliest' },
          ...{ sinks: [], maxInFlight: 10 },
        },
      }),
    ])
    await gateway.accept([incoming({ id: 'e', key: 'k', sequence: 1, bad: 0, act: 'throw' })])
    expect(gateway.triggers.waiting.get('plain')?.problem).toBe('locked')
    expect(await ran.promise).toBe('e')
    expect(gateway.triggers.waiting.size).toBe(0)
  } finally {
    await gateway.close(1_000)
  }
})
