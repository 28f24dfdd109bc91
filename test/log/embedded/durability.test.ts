import { expect, it } from 'vitest'
import { nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import { RecordCollector, recordOf } from '../../conformance/record-collector.ts'
import { LogDirectory } from './log-directory.ts'

it('acknowledges, hands out and counts nothing before its sync has returned', async () => {
  await using directory = await LogDirectory.create()
  let isHeld = false
  let release: (() => void) | undefined
  let held = Promise.withResolvers<void>()
  const files = {
    ...nodeFileLayer,
    async open(path: string, mode: 'create' | 'update' | 'read') {
      const file = await nodeFileLayer.open(path, mode)
      const sync = file.sync.bind(file)
      file.sync = async () => {
        await sync()
        if (!isHeld) return
        held.resolve()
        await new Promise<void>(resolve => (release = resolve))
      }
      return file
    },
  }
  for (const segmentBytes of [1_000_000, 100]) {
    const log = await directory.open({ files, segmentBytes })
    const group = await RecordCollector.subscribe(log, `group of ${segmentBytes}`, 'latest')
    const before = await log.ends()
    const calls = group.calls
    isHeld = true
    held = Promise.withResolvers()
    let settled = 0
    const appended = log.append(0, [recordOf('a')]).then(() => (settled += 1))
    const committed = group.commit(0, 0).then(() => (settled += 1))
    await held.promise
    for (let turn = 0; turn < 10; turn++) await new Promise(resolve => setImmediate(resolve))
    expect(settled).toBe(0)
    expect(group.calls).toBe(calls)
    expect(await log.ends()).toEqual(before)
    expect(await log.browse(0, before[0]!.end, 10)).toEqual([])
    expect(log.stats()).toMatchObject({ waiting: 2 })
    isHeld = false
    release!()
    await Promise.all([appended, committed])
    await group.until(() => group.calls > calls)
    expect(log.stats()).toMatchObject({ waiting: 0 })
    await log.close()
  }
})
