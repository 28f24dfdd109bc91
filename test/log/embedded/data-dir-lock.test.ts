import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lockDataDirectory } from '../../../src/log/embedded/data-dir-lock.ts'

describe('the lock of a data directory', () => {
  let directory: string
  const children: ChildProcess[] = []

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-lock-'))
  })

  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(directory, { recursive: true })
  })

  /** Starts a process that takes the lock and says how it went. */
  async function taker(): Promise<{ child: ChildProcess; result: string }> {
    const child = fork(join(import.meta.dirname, 'lock-taker.ts'), [directory], { execArgv: [] })
    children.push(child)
    const [result] = (await once(child, 'message')) as [string]
    return { child, result }
  }

  it('refuses a second holder and names the process', async () => {
    const { child } = await taker()
    await expect(lockDataDirectory(directory)).rejects.toMatchObject({
      code: 'SLUICE_LOG_LOCKED',
      message: expect.stringContaining(`process ${child.pid};`) as string,
    })
  })

  it('refuses the same process too', async () => {
    await lockDataDirectory(directory)
    await expect(lockDataDirectory(directory)).rejects.toMatchObject({ details: { pid: process.pid } })
  })

  it('is free after release', async () => {
    const lock = await lockDataDirectory(directory)
    await lock.release()
    await lock.release()
    await (await lockDataDirectory(directory)).release()
    expect(await readdir(directory)).toHaveLength(1)
  })

  it('is taken over from a killed process', async () => {
    const { child } = await taker()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await lockDataDirectory(directory)
  })

  it('is taken over when the pid belongs to another process now, or the machine was started again', async () => {
    await lockDataDirectory(directory)
    for (const change of [{ startTime: '1' }, { bootId: 'of yesterday' }]) {
      const [name] = (await readdir(directory)).slice(-1)
      const path = join(directory, name!)
      const holder = JSON.parse(await readFile(path, 'utf8')) as object
      await writeFile(path, JSON.stringify({ ...holder, ...change }))
      await lockDataDirectory(directory)
    }
  })

  it('is taken over when the file says nothing', async () => {
    await writeFile(join(directory, 'lock.7'), '')
    await lockDataDirectory(directory)
    expect(await readdir(directory)).toEqual(['lock.8'])
  })

  it('goes to exactly one of many takers of a stale lock', async () => {
    await writeFile(join(directory, 'lock.3'), JSON.stringify({ pid: 2 ** 22 + 1, bootId: '', startTime: '' }))
    for (let round = 0; round < 20; round++) {
      const takers = await Promise.allSettled(Array.from({ length: 20 }, () => lockDataDirectory(directory)))
      const winners = takers.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
      expect(winners).toHaveLength(1)
      await winners[0]!.release()
    }
    const results = (await Promise.all(Array.from({ length: 6 }, () => taker()))).map(({ result }) => result)
    expect(results.filter(result => result === 'locked')).toHaveLength(1)
    expect(results.filter(result => result === 'SLUICE_LOG_LOCKED')).toHaveLength(5)
  })
})
