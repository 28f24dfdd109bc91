import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import type { KeptLogLine, Observations, ObservationsOptions } from '../../src/store/observations.ts'
import { openObservations } from '../../src/store/sqlite-observations.ts'
import { logLine, messagesOf, numbered } from './observations-lines.ts'

const dirs: string[] = []
const opened: Observations[] = []
afterEach(async () => {
  for (const observations of opened.splice(0)) await observations.close()
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-observations-'))
  dirs.push(dir)
  return dir
}

function open(dir = newDir(), options: Partial<ObservationsOptions> = {}): Observations {
  const observations = openObservations({ dir, ...options })
  opened.push(observations)
  return observations
}

describe('observations', () => {
  it('have in every answer what was logged before it was asked for', async () => {
    const observations = open()
    for (let round = 0; round < 5; round++) {
      observations.log(numbered(700, round * 700))
      const [newest] = await observations.logs({ limit: 1 })
      expect(newest?.message).toBe(String(round * 700 + 699))
    }
    observations.sample([{ atMs: Date.now(), function: 'price', version: '3', values: '{"invocations":1}' }])
    expect(await observations.samples('price', 0)).toMatchObject([{ values: '{"invocations":1}' }])
    expect(observations.dropped).toBe(0)
  })

  it('survive a close, with what was logged right before it', async () => {
    const dir = newDir()
    const observations = open(dir)
    observations.log(numbered(3_000))
    observations.sample([{ atMs: Date.now(), function: 'price', version: '3', values: '{}' }])
    await observations.close()
    const again = open(dir)
    const lines = [...(await again.logs({ afterId: 0, limit: 1_000 }))]
    while (lines.length % 1_000 === 0 && lines.length < 3_000)
      lines.push(...(await again.logs({ afterId: lines.at(-1)!.id, limit: 1_000 })))
    expect(messagesOf(lines)).toEqual(messagesOf(numbered(3_000)))
    expect(await again.samples('price', 0)).toHaveLength(1)
  })

  it('have no gap and no double when they are followed and read', async () => {
    const observations = open()
    let logged = 0
    const logMore = (count: number): void => {
      observations.log(numbered(count, logged))
      logged += count
    }
    logMore(2_500)
    await observations.logs({ limit: 1 })
    const held: KeptLogLine[] = []
    const stop = observations.follow(lines => held.push(...lines))
    // Lines keep coming before, while and after it is read.
    logMore(300)
    const read: KeptLogLine[] = []
    let page: readonly KeptLogLine[]
    do {
      const reading = observations.logs({ afterId: read.at(-1)?.id ?? 0, limit: 1_000 })
      logMore(70)
      page = await reading
      read.push(...page)
      logMore(30)
    } while (page.length === 1_000)
    logMore(500)
    await observations.logs({ limit: 1 })
    stop()
    const lastId = read.at(-1)?.id ?? 0
    expect(held.some(({ id }) => id <= lastId)).toBe(true)
    const seen = [...read, ...held.filter(({ id }) => id > lastId)]
    expect(messagesOf(seen)).toEqual(messagesOf(numbered(logged)))
    const ids = seen.map(({ id }) => id)
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    observations.log([logLine('unheard')])
    await observations.logs({ limit: 1 })
    expect(messagesOf(held)).not.toContain('unheard')
  })

  it('give followers the ids that reading gives, and stop one that throws', async () => {
    const observations = open()
    const followed: KeptLogLine[] = []
    let thrown = 0
    observations.follow(() => {
      thrown++
      throw new Error('this listener is broken')
    })
    observations.follow(lines => followed.push(...lines))
    observations.log(numbered(10))
    await observations.logs({ limit: 1 })
    observations.log(numbered(10, 10))
    const read = await observations.logs({ afterId: 0, limit: 100 })
    expect(followed).toEqual(read)
    expect(thrown).toBe(1)
  })

  it('drop what comes faster than it can be written, and say so in a line', async () => {
    const observations = open()
    observations.log(numbered(25_000))
    expect(observations.dropped).toBe(15_000)
    const [notice] = await observations.logs({ text: 'dropped', limit: 1 })
    expect(notice).toMatchObject({
      function: 'price',
      level: 'warn',
      message: '15,000 lines were dropped: more came than could be written',
    })
    observations.log(numbered(10))
    await observations.logs({ limit: 1 })
    expect(observations.dropped).toBe(15_000)
  })

  it('trim while they are written', async () => {
    const observations = open(newDir(), { maxLines: 1_000 })
    for (let round = 0; round < 10; round++) {
      observations.log(numbered(1_000, round * 1_000))
      await observations.logs({ limit: 1 })
    }
    const lines = await observations.logs({ afterId: 0, limit: 1_000 })
    expect(lines[0]?.message).toBe('9000')
    expect(lines).toHaveLength(1_000)
  })

  it('go on after somebody else held the file locked, and say what was lost', async () => {
    const dir = newDir()
    const failures: SluiceError[] = []
    const observations = open(dir, { onFailed: error => failures.push(error) })
    await observations.logs({ limit: 1 })
    const other = new DatabaseSync(join(dir, 'observations.sqlite'))
    other.exec('BEGIN IMMEDIATE')
    observations.log(numbered(3))
    expect(await observations.logs({ limit: 1 })).toEqual([])
    other.exec('ROLLBACK')
    other.close()
    expect(observations.dropped).toBe(3)
    observations.log([logLine('next')])
    expect(messagesOf(await observations.logs({ limit: 10 }))).toEqual([
      '3 lines were dropped: more came than could be written',
      'next',
    ])
    expect(failures).toEqual([])
  })

  it('do not end whoever logs something that is no plain value', async () => {
    const observations = open()
    observations.log([logLine('bad', { fields: (() => undefined) as unknown as string })])
    await new Promise(resolve => setImmediate(resolve))
    expect(observations.dropped).toBe(1)
    observations.log([logLine('good')])
    expect((await observations.logs({ limit: 10 })).map(({ message }) => message)).toContain('good')
  })

  it('begin anew beside a damaged file, with a warning', async () => {
    const dir = newDir()
    writeFileSync(join(dir, 'observations.sqlite'), 'x'.repeat(10_000))
    const warnings: string[] = []
    const observations = open(dir, { onWarning: message => warnings.push(message) })
    observations.log([logLine('new')])
    expect(messagesOf(await observations.logs({ limit: 10 }))).toEqual(['new'])
    expect(warnings).toEqual([expect.stringContaining('begin anew')])
  })

  it('tell once that they failed, and hurt nobody afterwards', async () => {
    const created = new Promise<Worker>(resolve => process.once('worker', resolve))
    const failed = Promise.withResolvers<SluiceError>()
    let told = 0
    const observations = open(newDir(), {
      onFailed: error => {
        told++
        failed.resolve(error)
      },
    })
    await observations.logs({ limit: 1 })
    observations.log(numbered(5))
    const waiting = observations.logs({ limit: 1 })
    void (await created).terminate()
    await waiting.catch(() => undefined)
    expect((await failed.promise).code).toBe('SLUICE_STORE_FAILED')
    const before = observations.dropped
    observations.log(numbered(7))
    observations.sample([{ atMs: 1, function: 'price', version: '3', values: '{}' }])
    expect(observations.dropped).toBe(before + 7)
    await expect(observations.logs({ limit: 1 })).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED' })
    await observations.close()
    expect(told).toBe(1)
  })

  it('tell that they failed when the file cannot be opened', async () => {
    const dir = newDir()
    writeFileSync(join(dir, 'file'), '')
    const failed = Promise.withResolvers<SluiceError>()
    const observations = open(join(dir, 'file'), { onFailed: error => failed.resolve(error) })
    observations.log(numbered(2))
    expect((await failed.promise).message).toMatch(/EEXIST|ENOTDIR/)
    expect(observations.dropped).toBe(2)
  })

  it('are closed twice without harm and take nothing afterwards', async () => {
    const observations = open()
    observations.log(numbered(1))
    await Promise.all([observations.close(), observations.close()])
    observations.log(numbered(2))
    expect(observations.dropped).toBe(2)
    await expect(observations.samples('price', 0)).rejects.toMatchObject({ code: 'SLUICE_STORE_FAILED' })
  })
})
