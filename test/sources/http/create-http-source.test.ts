import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { createHttpListener } from '../../../src/sources/http/http-listener.ts'
import { createHttpSource } from '../../../src/sources/http/create-http-source.ts'
import { createStreamIntake } from '../../../src/sources/stream-intake.ts'
import { listenerConfig, sourceConfig } from './source-fixture.ts'

/** One life of a gateway's ingest over a directory. */
async function live<T>(directory: string, use: (url: string, held: () => Promise<string[]>) => Promise<T>): Promise<T> {
  const log = await openEmbeddedLog({ directory, stream: 'hook', partitionCount: 4 })
  const intake = createStreamIntake({ log, dedupe: { windowMs: 60_000, maxEntries: 1000 } })
  await intake.rebuild()
  const listener = createHttpListener({ config: listenerConfig() })
  const config = sourceConfig({ deduplicate: { header: 'x-delivery' }, mapping: { partitionkey: { pointer: '/key' } } })
  const source = createHttpSource({ name: 'hook', config, routes: listener.routes, intake })
  await source.start()
  await listener.start()
  const held = async (): Promise<string[]> => {
    const ends = await log.ends()
    const records = await Promise.all(ends.map(({ low, end }, partition) => log.browse(partition, low, end - low)))
    return records.flat().map(record => record.value!.toString())
  }
  try {
    return await use(listener.url!, held)
  } finally {
    await source.stop()
    await listener.stop()
    await log.close()
  }
}

const post = (url: string, id: number): Promise<Response> =>
  fetch(`${url}/hook`, {
    method: 'POST',
    headers: { 'x-delivery': `d${id}` },
    body: JSON.stringify({ key: `k${id % 7}`, id }),
  })

describe('a source over an embedded log', () => {
  it('keeps every event that it answered 202 for, and knows its deliveries after a restart', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sluice-http-'))
    try {
      const numbers = Array.from({ length: 200 }, (_, i) => i)
      const statuses = await live(directory, async url =>
        Promise.all(numbers.map(async id => (await post(url, id)).status)),
      )
      expect(new Set(statuses)).toEqual(new Set([202]))
      await live(directory, async (url, held) => {
        const bodies = await held()
        expect(bodies.map(body => (JSON.parse(body) as { id: number }).id).sort((a, b) => a - b)).toEqual(numbers)
        expect((await post(url, 17)).status).toBe(200)
        expect((await post(url, 1000)).status).toBe(202)
        expect(await held()).toHaveLength(201)
      })
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  })

  it('does not come into being without what it needs', () => {
    const { routes } = createHttpListener({ config: listenerConfig() })
    expect(() => createHttpSource({ name: 'a', config: sourceConfig(), routes, intake: undefined })).toThrow(/intake/)
    const config = sourceConfig({ reply: { function: 'price', timeoutMs: 1000 } })
    expect(() => createHttpSource({ name: 'a', config, routes, intake: undefined })).toThrow(/invoke/)
  })
})
