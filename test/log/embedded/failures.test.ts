import { describe, expect, it } from 'vitest'
import type { SluiceError } from '../../../src/errors/sluice-error.ts'
import { nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import { numbered, RecordCollector, recordOf, recordsOf } from '../../conformance/record-collector.ts'
import { faultyFileLayer, fileError, LogDirectory } from './log-directory.ts'

describe('the embedded log without room', () => {
  it('refuses appends above its quota, takes commits, and goes on when segments have gone', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ segmentBytes: 4_000, maxBytes: 20_000 })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    let appended = 0
    let refusal: unknown
    while (refusal === undefined) {
      await log.append(0, [recordOf('x'.repeat(200))]).then(
        () => (appended += 1),
        (error: unknown) => (refusal = error),
      )
    }
    expect(refusal).toMatchObject({ code: 'SLUICE_LOG_FULL', retryable: true })
    expect(log.stats().bytes).toBeLessThanOrEqual(20_000)
    await group.count(appended)
    await group.commit(0, appended)
    await log.applyRetention()
    expect(await log.append(0, [recordOf('more')])).toBe(appended)
  })

  it('refuses what meets a full disk, keeps what it had, and goes on when there is room', async () => {
    let isFull = false
    await using directory = await LogDirectory.create()
    let clock = 0
    const files = faultyFileLayer(operation => {
      if (isFull && operation === 'write') throw fileError('ENOSPC')
    })
    const log = await directory.open({ files, monotonicMs: () => clock })
    await log.append(0, recordsOf('before', 3))
    isFull = true
    const results = await Promise.allSettled(numbered('full', 50).map(value => log.append(0, [recordOf(value)])))
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'SLUICE_LOG_FULL' } })
    isFull = false
    clock += 10_000
    // The first one asks the file system again, in the background.
    await untilTaken(() => log.append(0, [recordOf('after')]))
    expect((await log.ends())[0]).toEqual({ low: 0, end: 4 })
    await log.close()
    const again = await directory.open()
    expect((await again.browse(0, 0, 10)).map(({ value }) => value!.toString())).toEqual([
      'before0',
      'before1',
      'before2',
      'after',
    ])
    expect(again.stats()).toMatchObject({ damaged: 0, truncatedBytes: 0 })
  })

  it('survives a full disk while it begins a segment', async () => {
    let isFull = false
    await using directory = await LogDirectory.create()
    let clock = 0
    const files = faultyFileLayer((operation, _path, bytes) => {
      if (isFull && (operation === 'open' || (operation === 'write' && bytes > 0))) throw fileError('ENOSPC')
    })
    const log = await directory.open({ files, segmentBytes: 1_000, monotonicMs: () => clock })
    for (const value of numbered('before', 3)) await log.append(0, [recordOf(value.padEnd(400, '.'))])
    const segments = await directory.segments()
    isFull = true
    await expect(log.append(0, [recordOf('y'.repeat(900))])).rejects.toMatchObject({ code: 'SLUICE_LOG_FULL' })
    expect(await directory.segments()).toEqual(segments)
    isFull = false
    clock += 10_000
    await untilTaken(() => log.append(0, [recordOf('after')]))
    expect((await log.browse(0, 0, 10)).map(({ value }) => value!.toString().slice(0, 7))).toEqual([
      'before0',
      'before1',
      'before2',
      'after',
    ])
  })

  it('has taken away a segment that it could not begin, durably, before anyone is refused', async () => {
    let isFull = false
    const done: string[] = []
    await using directory = await LogDirectory.create()
    const files = faultyFileLayer((operation, path, bytes) => {
      if (path.endsWith('.segment') || operation === 'syncDirectory') done.push(operation)
      if (isFull && operation === 'write' && bytes > 0) throw fileError('ENOSPC')
    })
    const log = await directory.open({ files, segmentBytes: 1_000 })
    await log.append(0, [recordOf('x'.repeat(900))])
    isFull = true
    done.length = 0
    await log.append(0, [recordOf('y'.repeat(900))]).catch(() => done.push('refused'))
    expect(done).toEqual(['open', 'write', 'remove', 'syncDirectory', 'refused'])
  })

  it('leaves the reserve of the disk to commits', async () => {
    let free = 1_000_000
    await using directory = await LogDirectory.create()
    let clock = 0
    const files = { ...nodeFileLayer, freeBytes: () => Promise.resolve(free) }
    const log = await directory.open({ files, reserveBytes: 500_000, monotonicMs: () => (clock += 300) })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    await log.append(0, [recordOf('a')])
    await group.count(1)
    free = 400_000
    await expect(
      (async () => {
        for (let i = 0; i < 1_000; i++) await log.append(0, [recordOf('b')])
      })(),
    ).rejects.toMatchObject({ code: 'SLUICE_LOG_FULL' })
    await group.commit(0, 1)
    expect((await log.committed('g')).get(0)).toBe(1)
    free = 1_000_000
    await untilTaken(() => log.append(0, [recordOf('c')]))
  })

  it('refuses to hold more than its bound in memory', async () => {
    await using directory = await LogDirectory.create()
    const log = await directory.open({ maxWaitingBytes: 10_000 })
    const results = await Promise.allSettled(numbered('v', 100).map(v => log.append(0, [recordOf(v.padEnd(200))])))
    const taken = results.filter(({ status }) => status === 'fulfilled').length
    expect(taken).toBeGreaterThan(30)
    expect(taken).toBeLessThan(100)
    expect((await log.ends())[0]!.end).toBe(taken)
  })
})

describe('the embedded log on a failing disk', () => {
  it.each(['sync', 'write', 'syncDirectory', 'truncate'] as const)('stops for good when %s fails', async operation => {
    let isBroken = false
    let calls = 0
    const fatal: SluiceError[] = []
    await using directory = await LogDirectory.create()
    const files = faultyFileLayer(called => {
      if (!isBroken) return
      // A write finds no room, and then the file cannot be cut back.
      if (operation === 'truncate' && called === 'write') throw fileError('ENOSPC')
      if (called !== operation) return
      calls += 1
      throw fileError('EIO')
    })
    const log = await directory.open({ files, segmentBytes: 600, onFatal: error => fatal.push(error) })
    const group = await RecordCollector.subscribe(log, 'g', 'earliest')
    await log.append(0, [recordOf('kept')])
    await group.count(1)
    isBroken = true
    const value = operation === 'syncDirectory' ? 'x'.repeat(900) : 'x'
    const results = await Promise.allSettled([
      log.append(0, [recordOf(value)]),
      log.append(1, [recordOf(value)]),
      group.commit(0, 1),
    ])
    for (const result of results) expect(result).toMatchObject({ reason: { code: 'SLUICE_LOG_WRITE_FAILED' } })
    isBroken = false
    await expect(log.append(0, [recordOf('later')])).rejects.toMatchObject({ code: 'SLUICE_LOG_WRITE_FAILED' })
    expect(fatal).toHaveLength(1)
    expect(calls).toBe(1)
    expect(group.errors).toMatchObject([{ code: 'SLUICE_LOG_WRITE_FAILED' }])
    await log.close()
    const again = await directory.open()
    expect((await again.browse(0, 0, 1)).map(record => record.value!.toString())).toEqual(['kept'])
  })
})

/** Repeats what was refused for want of room until it is taken. */
async function untilTaken(append: () => Promise<number>): Promise<number> {
  for (;;) {
    try {
      return await append()
    } catch (error) {
      expect(error).toMatchObject({ code: 'SLUICE_LOG_FULL' })
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}
