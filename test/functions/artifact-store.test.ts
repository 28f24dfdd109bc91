import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { artifactHash } from '../../src/functions/artifact-hash.ts'
import { openArtifactStore } from '../../src/functions/artifact-store.ts'
import { maxArtifactBytes, maxArtifactFiles } from '../../src/functions/artifact.ts'
import { nodeDurableFiles, type DurableFiles } from '../../src/functions/durable-files.ts'

type Contents = Readonly<Record<string, string | Uint8Array>>

const filesOf = (contents: Contents): Map<string, Uint8Array> =>
  new Map(Object.entries(contents).map(([name, content]) => [name, Buffer.from(content)]))

const bundle = (text = 'export default () => 1'): Map<string, Uint8Array> =>
  filesOf({ 'data/table.csv': 'a,b', 'index.mjs.map': '{}', 'index.mjs': text })

async function freshDirectory(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-artifacts-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  return join(root, 'artifacts')
}

/** The real files, with a hook before every call, `sync` of files included. */
function watched(before: (operation: string, path: string) => void): DurableFiles {
  const open: DurableFiles['open'] = async (path, mode, options) => {
    before('open', path)
    const file = await nodeDurableFiles.open(path, mode, options)
    const sync = file.sync.bind(file)
    file.sync = () => {
      before('sync', path)
      return sync()
    }
    return file
  }
  const entries = Object.entries(nodeDurableFiles).map(([operation, call]) => [
    operation,
    async (...args: unknown[]) => {
      before(operation, String(args[0]))
      return (call as (...args: unknown[]) => Promise<unknown>)(...args)
    },
  ])
  return { ...(Object.fromEntries(entries) as DurableFiles), open }
}

const planted = (): Error => Object.assign(new Error('EIO: planted'), { code: 'EIO' })

describe('putting an artifact', () => {
  it('keeps its files under the hash of their content', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const artifact = await store.put(bundle())
    expect(artifact).toEqual({
      hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      bytes: 27,
      files: [
        { name: 'index.mjs', bytes: 22 },
        { name: 'data/table.csv', bytes: 3 },
        { name: 'index.mjs.map', bytes: 2 },
      ],
    })
    expect(store.modulePath(artifact.hash)).toBe(join(dir, artifact.hash, 'index.mjs'))
    expect(await readFile(store.modulePath(artifact.hash), 'utf8')).toBe('export default () => 1')
    expect(await readFile(join(dir, artifact.hash, 'data/table.csv'), 'utf8')).toBe('a,b')
    expect(await readdir(dir)).toEqual([artifact.hash])
    expect(await store.has(artifact.hash)).toBe(true)
    expect(await (await openArtifactStore({ dir })).has(artifact.hash)).toBe(true)
  })

  it('again writes nothing', async () => {
    const written: string[] = []
    const files = watched((operation, path) => {
      if (operation === 'rename') written.push(path)
    })
    const store = await openArtifactStore({ dir: await freshDirectory(), files })
    const first = await store.put(bundle())
    const second = await store.put(new Map([...bundle()].reverse()))
    expect(second).toEqual(first)
    expect(written).toHaveLength(1)
  })

  it('works for the same and for other content at the same time, also from two stores', async () => {
    const dir = await freshDirectory()
    const stores = [await openArtifactStore({ dir }), await openArtifactStore({ dir })]
    const puts = Array.from({ length: 20 }, (_, i) => stores[i % 2]!.put(bundle(i % 4 < 2 ? 'one' : 'two')))
    const hashes = [...new Set((await Promise.all(puts)).map(({ hash }) => hash))]
    expect(hashes).toHaveLength(2)
    expect((await readdir(dir)).sort()).toEqual(hashes.sort())
    for (const hash of hashes) await stores[0]!.verify(hash)
  })

  it('is durable in every part before it has its name', async () => {
    const calls: string[] = []
    const dir = await freshDirectory()
    const files = watched((operation, path) => calls.push(`${operation} ${path}`))
    const store = await openArtifactStore({ dir, files })
    calls.length = 0
    const { hash } = await store.put(bundle())
    const renamed = calls.findIndex(call => call.startsWith('rename'))
    const draft = calls[renamed]!.slice('rename '.length)
    expect(calls.slice(0, renamed)).toEqual(
      expect.arrayContaining([
        ...['index.mjs', 'index.mjs.map', 'data/table.csv'].map(name => `sync ${join(draft, name)}`),
        `syncDirectory ${draft}`,
        `syncDirectory ${join(draft, 'data')}`,
      ]),
    )
    expect(calls.slice(renamed + 1)).toEqual([`syncDirectory ${dir}`])
    expect(await store.has(hash)).toBe(true)
  })

  it.each(['open', 'sync', 'makeDirectory', 'syncDirectory', 'rename'])(
    'leaves nothing behind when any %s fails, and works afterwards',
    async operation => {
      for (let failing = 0; ; failing++) {
        const dir = await freshDirectory()
        let left: number | undefined
        const files = watched(called => {
          if (called === operation && left !== undefined && left-- === 0) throw planted()
        })
        const store = await openArtifactStore({ dir, files })
        left = failing
        const result = await store.put(bundle()).catch((error: unknown) => error)
        const hasFailed = left < 0
        left = undefined
        if (!hasFailed) {
          expect(failing).toBeGreaterThan(0)
          return
        }
        expect(result).toMatchObject({ code: 'SLUICE_STORE_WRITE' })
        expect(await readdir(dir)).toEqual([])
        const { hash } = await store.put(bundle())
        await store.verify(hash)
      }
    },
  )

  const tooLong = 'x'.repeat(201)
  const refusals: readonly [string, Contents, RegExp][] = [
    ['no module', { 'main.mjs': '' }, /there is no index\.mjs/],
    ['a name upwards', { '../evil.mjs': '' }, /"\.\.\/evil\.mjs" has the part '\.\.'/],
    ['a name that goes up in the middle', { 'a/../../b': '' }, /has the part '\.\.'/],
    ['the name .', { 'a/./b': '' }, /has the part '\.'/],
    ['an absolute name', { '/etc/passwd': '' }, /"\/etc\/passwd" is absolute/],
    ['a backslash', { 'a\\b': '' }, /"a\\\\b" has characters other than/],
    ['a control character', { 'a\u0000b': '' }, /"a\\u0000b" has characters other than/],
    ['a line break', { 'a\nb': '' }, /has characters other than/],
    ['an empty name', { '': '' }, /has an empty part/],
    ['an empty part', { 'a//b': '' }, /has an empty part/],
    ['a folder', { 'a/': '' }, /has an empty part/],
    ['a name that is too long', { [tooLong]: '' }, /has 201 characters; at most 200/],
    ['a drive', { 'C:': '' }, /has characters other than/],
    ['a file that is a folder, too', { data: '', 'data/x': '' }, /"data" is a file and, for "data\/x", a folder/],
    ['names that differ in case alone', { 'Data.csv': '', 'data.csv': '' }, /differ in case alone/],
    [
      'too many files',
      Object.fromEntries(Array.from({ length: maxArtifactFiles }, (_, i) => [`f${i}`, ''])),
      /it has 65 files; at most 64/,
    ],
    ['too many bytes', { big: new Uint8Array(maxArtifactBytes) }, /bytes; at most 50331648/],
  ]

  it.each(refusals)('refuses %s', async (_what, contents, message) => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const module = _what === 'no module' ? {} : { 'index.mjs': 'x' }
    const put = store.put(filesOf({ ...module, ...contents }))
    await expect(put).rejects.toMatchObject({ code: 'SLUICE_FUNCTIONS_ARTIFACT' })
    await expect(put).rejects.toThrow(message)
    expect(await readdir(dir)).toEqual([])
  })

  it('takes __proto__ and constructor for what they are, names', async () => {
    const store = await openArtifactStore({ dir: await freshDirectory() })
    const files = new Map([['index.mjs', Buffer.from('x')], ['__proto__', Buffer.from('y')], ['constructor', Buffer.from('z')]]) // prettier-ignore
    const { hash } = await store.put(files)
    await store.verify(hash)
  })
})

describe('the hash of an artifact', () => {
  const names = fc.constantFrom('index.mjs', 'a', 'b', 'a/b', 'ab', 'index.mjs.map')
  const contents = fc.dictionary(names, fc.constantFrom('', 'a', 'b', 'ab', '1 1\na\na', 'index.mjs'), {
    minKeys: 1,
    noNullPrototype: true,
  })

  it('is the same for the same files alone, whatever their order', async () => {
    await fc.assert(
      fc.asyncProperty(contents, contents, async (a, b) => {
        const reversed = new Map([...filesOf(a)].reverse())
        expect(await artifactHash(reversed)).toBe(await artifactHash(filesOf(a)))
        const isSame = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
        expect((await artifactHash(filesOf(a))) === (await artifactHash(filesOf(b)))).toBe(isSame)
      }),
      { numRuns: 500 },
    )
  })

  it('is that of the lengths, names and bytes, and never changes: stored artifacts are named by it', async () => {
    const big = Buffer.alloc(3_000_000, 7)
    const expected = createHash('sha256').update('9 1\nindex.mjs\nx').update('1 3000000\nz\n').update(big)
    expect(await artifactHash(new Map([['z', big], ['index.mjs', Buffer.from('x')]]))).toBe(expected.digest('hex')) // prettier-ignore
  })
})

describe('an artifact on disk', () => {
  it('that was damaged is told by verify, and mended by putting it again', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const { hash } = await store.put(bundle())
    const damages: (() => Promise<unknown>)[] = [
      () => writeFile(store.modulePath(hash), 'export default () => 2'),
      () => writeFile(join(dir, hash, 'data/table.csv'), ''),
      () => rm(join(dir, hash, 'index.mjs.map')),
      () => rm(join(dir, hash, 'data'), { recursive: true }),
      () => writeFile(join(dir, hash, 'more.mjs'), ''),
    ]
    for (const damage of damages) {
      await store.verify(hash)
      await damage()
      await expect(store.verify(hash)).rejects.toMatchObject({
        code: 'SLUICE_FUNCTIONS_LOAD',
        message: expect.stringMatching(/is damaged: .*; deploy the function again, or restore it/) as string,
      })
      expect((await store.put(bundle())).hash).toBe(hash)
      expect(await readdir(dir)).toEqual([hash])
    }
    await rm(join(dir, hash), { recursive: true })
    await expect(store.verify(hash)).rejects.toThrow(/is not there/)
    expect(await store.has(hash)).toBe(false)
  })

  it('that a crash left half written or half deleted is gone after the next start, and nothing else', async () => {
    const dir = await freshDirectory()
    const { hash } = await (await openArtifactStore({ dir })).put(bundle())
    await mkdir(join(dir, '.unfinished-1', 'data'), { recursive: true })
    await writeFile(join(dir, '.unfinished-1', 'data', 'half'), '')
    await writeFile(join(dir, 'notes.txt'), 'of somebody')
    const store = await openArtifactStore({ dir })
    expect((await readdir(dir)).sort()).toEqual([hash, 'notes.txt'].sort())
    expect(await store.has('notes.txt')).toBe(false)
  })

  it('is asked for by nothing but a hash', async () => {
    const store = await openArtifactStore({ dir: await freshDirectory() })
    for (const name of ['', '..', '../x', 'a'.repeat(63), 'A'.repeat(64), `${'a'.repeat(64)}/..`]) {
      expect(await store.has(name)).toBe(false)
      expect(() => store.modulePath(name)).toThrow(/is no hash of an artifact/)
    }
  })
})

describe('collecting', () => {
  it('deletes what nothing refers to', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const [kept, ...others] = await Promise.all(['a', 'b', 'c'].map(async text => (await store.put(bundle(text))).hash))
    expect(await store.collect(hash => hash === kept, 0)).toBe(2)
    expect(await readdir(dir)).toEqual([kept])
    for (const hash of others) expect(await store.has(hash)).toBe(false)
    expect(await store.collect(() => false, 0)).toBe(1)
    expect(await store.collect(() => false, 0)).toBe(0)
  })

  it('spares what was put a short time ago, also before the last start and also when it was there already', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const { hash } = await store.put(bundle())
    expect(await store.collect(() => false, 60_000)).toBe(0)
    expect(await (await openArtifactStore({ dir })).collect(() => false, 60_000)).toBe(0)
    const longAgo = new Date(Date.now() - 3_600_000)
    await utimes(join(dir, hash), longAgo, longAgo)
    // The wall clock says an hour; this process knows better.
    expect(await store.collect(() => false, 60_000)).toBe(0)
    const restarted = await openArtifactStore({ dir })
    await restarted.put(bundle())
    expect(await restarted.collect(() => false, 60_000)).toBe(0)
    await utimes(join(dir, hash), longAgo, longAgo)
    expect(await (await openArtifactStore({ dir })).collect(() => false, 60_000)).toBe(1)
  })

  it('never takes away what is put at the same time', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    for (let round = 0; round < 30; round++) {
      await store.put(bundle())
      const referred = new Set<string>()
      const [{ hash }] = await Promise.all([
        store.put(bundle()).then(artifact => (referred.add(artifact.hash), artifact)),
        store.collect(name => referred.has(name), 0),
      ])
      // With a grace of 0 it may be collected after the put as well: then it is gone as a whole.
      if (await store.has(hash)) await store.verify(hash)
      expect((await readdir(dir)).every(name => name === hash)).toBe(true)
    }
  })

  it('spares what is referred to by the time it would go', async () => {
    const dir = await freshDirectory()
    const store = await openArtifactStore({ dir })
    const { hash } = await store.put(bundle())
    let asked = 0
    expect(await store.collect(() => asked++ > 0, 0)).toBe(0)
    expect(await store.has(hash)).toBe(true)
  })

  it('deletes nothing before the names are gone for good', async () => {
    const calls: string[] = []
    const dir = await freshDirectory()
    const files = watched((operation, path) => calls.push(`${operation} ${path}`))
    const store = await openArtifactStore({ dir, files })
    const { hash } = await store.put(bundle())
    calls.length = 0
    await store.collect(() => false, 0)
    expect(calls.filter(call => !/^(list|inspect)/.test(call))).toEqual([
      `rename ${join(dir, hash)}`,
      `syncDirectory ${dir}`,
      expect.stringMatching(/^removeTree .*\.unfinished-/) as string,
    ])
  })

  it('that is cut short by a crash leaves whole artifacts or none', async () => {
    const dir = await freshDirectory()
    const { hash } = await (await openArtifactStore({ dir })).put(bundle())
    const files = watched(operation => {
      if (operation === 'removeTree') throw planted()
    })
    const store = await openArtifactStore({ dir, files })
    await expect(store.collect(() => false, 0)).rejects.toThrow(/planted/)
    expect(await store.has(hash)).toBe(false)
    await openArtifactStore({ dir })
    expect(await readdir(dir)).toEqual([])
  })
})
