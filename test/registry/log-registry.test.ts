import { describe, expect, it, vi } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import type { AppendRecord } from '../../src/log/log-record.ts'
import type { PartitionLog, PositionAnomaly, SubscriptionHandlers } from '../../src/log/partition-log.ts'
import { encodeCommand } from '../../src/registry/command-codec.ts'
import type { RegistryChange, RegistryCommand } from '../../src/registry/registry-change.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import type { Registry } from '../../src/registry/registry.ts'
import { faultyFileLayer, fileError } from '../log/embedded/log-directory.ts'
import { CommandLogFixture, withAppend } from './command-log-fixture.ts'
import { publish, putFunction, textOf } from './registry-fixtures.ts'

const commandAt = (position: number, changes: readonly RegistryChange[]): RegistryCommand => ({
  format: 1,
  id: `by-hand-${position}`,
  atMs: 1,
  by: 'test',
  expectedPosition: position,
  changes,
})

function signal(): [Promise<void>, () => void] {
  const { promise, resolve } = Promise.withResolvers<void>()
  return [promise, resolve]
}

const put = (registry: Registry, name: string): Promise<RegistryState> =>
  registry.transact('test', () => [putFunction(name)])

describe('a transaction', () => {
  it('resolves with the state right after it, which a registry opened anew has, too', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open({ now: () => 4_711, randomId: () => 'id-1' })
    const state = await registry.transact('api', before => {
      expect(before.position).toBe(0)
      return [putFunction('price'), publish('price', 1)]
    })
    expect(state).toMatchObject({ position: 1 })
    expect(state.functions.get('price')).toMatchObject({ lastVersion: 1, createdAtMs: 4_711 })
    expect(registry.state).toBe(state)
    const again = await fixture.open({ group: 'another', snapshots: await fixture.snapshots('others') })
    expect(textOf(again.state)).toBe(textOf(state))
  })

  it('writes nothing when its plan throws or wants no changes', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    const state = await put(registry, 'price')
    await expect(
      registry.transact('api', () => {
        throw new SluiceError('SLUICE_REGISTRY_INVALID', 'no')
      }),
    ).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_INVALID' })
    expect(await registry.transact('api', () => [])).toBe(state)
    expect(await fixture.log.ends()).toEqual([{ low: 0, end: 1 }])
  })

  it('sees what all transactions before it have made', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    const states = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        registry.transact('test', before => {
          expect(before.functions.size).toBe(i)
          return [putFunction(`f-${i}`)]
        }),
      ),
    )
    expect(states.map(({ position, functions }) => [position, functions.size])).toEqual(
      states.map((_, i) => [i + 1, i + 1]),
    )
  })

  it('is planned again with the newest state when another node was faster', async () => {
    const fixture = await CommandLogFixture.create()
    const nodes = await Promise.all(
      ['a', 'b', 'c'].map(async node =>
        fixture.open({ group: `registry.${node}`, snapshots: await fixture.snapshots(`snapshots-${node}`) }),
      ),
    )
    let plans = 0
    const counted = (registry: Registry): Promise<unknown> =>
      registry.transact('test', ({ functions }) => {
        plans += 1
        const lastVersion = functions.get('shared')?.lastVersion ?? 0
        return [...(lastVersion === 0 ? [putFunction('shared')] : []), publish('shared', lastVersion + 1)]
      })
    await Promise.all(nodes.flatMap(node => Array.from({ length: 20 }, () => counted(node))))
    expect(plans).toBeGreaterThan(60)
    const end = (await fixture.log.ends())[0]!.end
    expect(end).toBe(plans)
    await vi.waitFor(() => expect(nodes.map(({ state }) => state.position)).toEqual([end, end, end]))
    const [first, ...others] = nodes.map(({ state }) => textOf(state))
    expect(others).toEqual([first, first])
    const { versions } = nodes[0]!.state.functions.get('shared')!
    expect([...versions.keys()]).toEqual(Array.from({ length: 60 }, (_, i) => i + 1))
  })

  it('gives up when others are faster each time', async () => {
    const fixture = await CommandLogFixture.create()
    // Somebody else's command always stands before ours.
    const log = withAppend(fixture.log, (partition, records) =>
      fixture.log.append(partition, [encodeCommand(commandAt(-1, [putFunction('other')])), ...records]),
    )
    const registry = await fixture.open({ log })
    await expect(put(registry, 'price')).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_BUSY' })
    expect(registry.state).toMatchObject({ position: 200, functions: new Map() })
  })

  it('is applied once when its append has to be repeated, whether the first one was kept or not', async () => {
    for (const isKept of [true, false]) {
      const fixture = await CommandLogFixture.create()
      let isFirst = true
      const log = withAppend(fixture.log, async (partition, records) => {
        const hides = isFirst
        isFirst = false
        if (!hides) return fixture.log.append(partition, records)
        if (isKept) void fixture.log.append(partition, records)
        throw new SluiceError('SLUICE_LOG_UNAVAILABLE', 'no answer')
      })
      const registry = await fixture.open({ log })
      const state = await put(registry, 'price')
      expect(state).toMatchObject({ position: 1 })
      expect(state.functions.get('price')).toMatchObject({ revision: 1 })
      const next = await put(registry, 'other')
      expect(next.functions.get('other')?.revision).toBe(next.position)
    }
  })

  it('is refused when the log is full, and the registry goes on', async () => {
    const fixture = await CommandLogFixture.create()
    let isFull = true
    const log = withAppend(fixture.log, (partition, records) =>
      isFull ? Promise.reject(new SluiceError('SLUICE_LOG_FULL', 'no room')) : fixture.log.append(partition, records),
    )
    const registry = await fixture.open({ log })
    await expect(put(registry, 'price')).rejects.toMatchObject({ code: 'SLUICE_LOG_FULL' })
    isFull = false
    expect((await put(registry, 'price')).position).toBe(1)
    expect(fixture.fatal).toEqual([])
  })

  it('fails the registry for good when a sync fails', async () => {
    let isBroken = false
    const files = faultyFileLayer(operation => {
      if (isBroken && operation === 'sync') throw fileError('EIO')
    })
    const fixture = await CommandLogFixture.create({ files })
    const registry = await fixture.open()
    const before = await put(registry, 'price')
    isBroken = true
    const results = await Promise.allSettled([put(registry, 'a'), put(registry, 'b')])
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'SLUICE_REGISTRY_WRITE' } })
    isBroken = false
    await expect(put(registry, 'later')).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_WRITE' })
    expect(fixture.fatal).toMatchObject([{ code: 'SLUICE_REGISTRY_WRITE' }])
    expect(registry.state).toBe(before)
    await registry.close()
  })

  it('is refused after close, and finishes when it was under way', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    const [planned, isPlanned] = signal()
    const running = registry.transact('test', () => {
      isPlanned()
      return [putFunction('price')]
    })
    const waiting = put(registry, 'other')
    await planned
    const closed = registry.close()
    await expect(running).resolves.toMatchObject({ position: 1 })
    await expect(waiting).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_CLOSED' })
    await closed
    await expect(put(registry, 'later')).rejects.toMatchObject({ code: 'SLUICE_REGISTRY_CLOSED' })
    expect(await fixture.log.ends()).toEqual([{ low: 0, end: 1 }])
  })
})

describe('listeners', () => {
  it('are told of every applied command in log order, before its transaction resolves', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    const told: string[] = []
    const stop = registry.listen(({ by }, before, after) => {
      expect(registry.state).toBe(after)
      told.push(`${by}: ${before.position} to ${after.position}`)
    })
    await registry.transact('api', () => [putFunction('price')])
    expect(told).toEqual(['api: 0 to 1'])
    await fixture.append(encodeCommand(commandAt(0, [putFunction('stale')])))
    await vi.waitFor(() => expect(registry.state.position).toBe(2))
    await registry.transact('config', () => [putFunction('price', 2)])
    expect(told).toEqual(['api: 0 to 1', 'config: 2 to 3'])
    stop()
    await put(registry, 'other')
    expect(told).toHaveLength(2)
  })

  it('that throw are reported and hurt nobody else', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    registry.listen(() => {
      throw new Error('planted')
    })
    const told: number[] = []
    registry.listen((_command, _before, { position }) => told.push(position))
    await put(registry, 'price')
    expect(told).toEqual([1])
    expect(fixture.warnings).toEqual(['a listener failed at command 0 of the registry: planted'])
  })
})

describe('a command log', () => {
  const badRecords: [string, AppendRecord, string][] = [
    ['is no JSON', { ...encodeCommand(commandAt(1, [])), value: Buffer.from('{') }, 'SLUICE_REGISTRY_CORRUPT'],
    ['lacks fields', { ...encodeCommand(commandAt(1, [])), value: Buffer.from('{}') }, 'SLUICE_REGISTRY_CORRUPT'],
    [
      'is of somebody else',
      { ...encodeCommand(commandAt(1, [])), header: Buffer.from('x') },
      'SLUICE_REGISTRY_CORRUPT',
    ],
    [
      'has an unknown change',
      encodeCommand(commandAt(1, [{ kind: 'rename' } as unknown as RegistryChange])),
      'SLUICE_REGISTRY_UNKNOWN_COMMAND',
    ],
  ]

  it.each(badRecords)(
    'with a record that %s stops the registry, also at the next start',
    async (_what, record, code) => {
      const fixture = await CommandLogFixture.create()
      const registry = await fixture.open({ group: 'one' })
      const before = await put(registry, 'price')
      await fixture.append(record)
      await vi.waitFor(() => expect(fixture.fatal).toMatchObject([{ code }]))
      await expect(put(registry, 'later')).rejects.toMatchObject({ code })
      expect(registry.state).toBe(before)
      await registry.close()
      await expect(fixture.open({ group: 'two' })).rejects.toMatchObject({ code, details: { position: 1 } })
    },
  )

  it('that ends before a snapshot, or begins after it, is refused', async () => {
    const fixture = await CommandLogFixture.create()
    const registry = await fixture.open()
    await put(registry, 'price')
    await registry.close()
    const other = await CommandLogFixture.create()
    const snapshots = await fixture.snapshots()
    await expect(other.open({ snapshots })).rejects.toMatchObject({
      code: 'SLUICE_REGISTRY_CORRUPT',
      message: expect.stringContaining('ends at 0, before the snapshot at 1') as string,
    })
    const log: PartitionLog = {
      ...withAppend(fixture.log, () => Promise.reject(new Error('not used'))),
      ends: () => Promise.resolve([{ low: 5, end: 9 }]),
    }
    await expect(fixture.open({ log })).rejects.toMatchObject({
      code: 'SLUICE_REGISTRY_CORRUPT',
      message: expect.stringContaining('commands 1 to 4 are not in the log') as string,
    })
  })
})

describe('what the log tells of commands that are missing', () => {
  async function openWatched(fixture: CommandLogFixture) {
    let handlers: SubscriptionHandlers | undefined
    const log: PartitionLog = {
      ...withAppend(fixture.log, (partition, records) => fixture.log.append(partition, records)),
      subscribe: (group, start, given) => fixture.log.subscribe(group, start, (handlers = given)),
    }
    const registry = await fixture.open({ log })
    await put(registry, 'a')
    await put(registry, 'b')
    return { registry, tell: (anomaly: PositionAnomaly) => handlers?.anomaly(anomaly), handlers: handlers! }
  }

  it('is a warning when the state has them already', async () => {
    const fixture = await CommandLogFixture.create()
    const { registry, tell } = await openWatched(fixture)
    tell({ partition: 0, kind: 'damaged', from: 0, to: 2 })
    tell({ partition: 0, kind: 'expired', from: 0, to: 1 })
    expect(fixture.warnings).toEqual([
      'commands 0 to 1 of the registry are damaged; its state has them already',
      'commands 0 to 0 of the registry are expired; its state has them already',
    ])
    expect((await put(registry, 'c')).functions.size).toBe(3)
  })

  it.each([
    ['damaged', 2, 3, 'command 2 is not in the log'],
    ['expired', 0, 5, 'commands 2 to 4 are not in the log'],
    ['truncated', 2, 1, 'the command log ends before it, at 1'],
  ] as const)(
    'stops it when it does not have them, or when the log is another one (%s)',
    async (kind, from, to, says) => {
      const fixture = await CommandLogFixture.create()
      const { registry, tell } = await openWatched(fixture)
      tell({ partition: 0, kind, from, to })
      expect(fixture.fatal).toMatchObject([
        { code: 'SLUICE_REGISTRY_CORRUPT', message: expect.stringContaining(says) as string },
      ])
      expect(fixture.fatal[0]?.message).toContain('restore the registry from a backup')
      await expect(put(registry, 'c')).rejects.toBe(fixture.fatal[0])
    },
  )

  it('is waited for when reading is interrupted only', async () => {
    const fixture = await CommandLogFixture.create()
    const { registry, handlers } = await openWatched(fixture)
    handlers.fatal(new SluiceError('SLUICE_LOG_UNAVAILABLE', 'too many open files'))
    expect(fixture.fatal).toEqual([])
    expect(fixture.warnings).toHaveLength(1)
    expect((await put(registry, 'c')).functions.size).toBe(3)
  })

  it('stops it when a record comes after a gap', async () => {
    const fixture = await CommandLogFixture.create()
    const { registry, handlers } = await openWatched(fixture)
    const [record] = await fixture.log.browse(0, 1, 1)
    handlers.records(1, 0, [{ ...record!, offset: 7, header: record!.header, value: record!.value }])
    expect(fixture.fatal).toMatchObject([{ code: 'SLUICE_REGISTRY_CORRUPT', details: { position: 2 } }])
    await expect(put(registry, 'c')).rejects.toBe(fixture.fatal[0])
  })
})

describe('snapshots of the registry', () => {
  it('are written after so many commands, and on closing when there is something new', async () => {
    const fixture = await CommandLogFixture.create()
    const snapshots = await fixture.snapshots()
    const registry = await fixture.open({ snapshots, snapshotCommands: 10 })
    for (let i = 0; i < 25; i++) await put(registry, `f-${i}`)
    await registry.close()
    const again = await fixture.snapshots()
    expect((await again.load())?.position).toBe(25)
    expect(again.releasedPosition).toBeGreaterThanOrEqual(10)
    expect(await fixture.log.committed('registry')).toEqual(new Map([[0, again.releasedPosition]]))
    const write = vi.spyOn(again, 'write')
    await (await fixture.open({ snapshots: again })).close()
    expect(write).not.toHaveBeenCalled()
  })

  it('are written after so many bytes', async () => {
    const fixture = await CommandLogFixture.create()
    const snapshots = await fixture.snapshots()
    const write = vi.spyOn(snapshots, 'write')
    const registry = await fixture.open({ snapshots, snapshotBytes: 10 })
    await put(registry, 'price')
    await vi.waitFor(() => expect(write).toHaveBeenCalledTimes(1))
  })

  it('that cannot be written are warned of and cost no command', async () => {
    const fixture = await CommandLogFixture.create()
    const snapshots = await fixture.snapshots()
    vi.spyOn(snapshots, 'write').mockRejectedValue(new SluiceError('SLUICE_STORE_WRITE', 'no room'))
    const registry = await fixture.open({ snapshots, snapshotCommands: 2 })
    for (let i = 0; i < 5; i++) await put(registry, `f-${i}`)
    await registry.close()
    expect(new Set(fixture.warnings)).toEqual(new Set(['no room']))
    expect(await fixture.log.committed('registry')).toEqual(new Map([[0, 0]]))
    expect((await fixture.open()).state.functions.size).toBe(5)
  })
})
