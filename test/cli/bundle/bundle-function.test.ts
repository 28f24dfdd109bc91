import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { artifactHash } from '../../../src/cli/bundle/artifact-hash.ts'
import { bundleFunction, type Bundle } from '../../../src/cli/bundle/bundle-function.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { artifactHash as gatewayHash } from '../../../src/functions/artifact-hash.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'

let project: ProjectFolder
beforeAll(() => {
  project = createProjectFolder()
  project.dependency(
    'common',
    { main: 'index.js' },
    {
      'index.js':
        "const fs = require('fs'); exports.here = () => __dirname; exports.exists = path => fs.existsSync(path)",
    },
  )
  project.dependency(
    'modern',
    { type: 'module', exports: './index.js' },
    {
      'index.js': 'export const twice = x => x * 2; export const unused = () => "never called"',
    },
  )
})
afterAll(() => project.remove())

const bundle = (name: string, text: string, options: { handler?: string; files?: string[] } = {}): Promise<Bundle> =>
  bundleFunction({
    entry: project.file(name, text),
    directory: project.path,
    handler: options.handler ?? 'default',
    files: options.files ?? [],
  })

async function problemOf(work: Promise<unknown>): Promise<SluiceError> {
  const error = await work.then(
    () => new Error('it was bundled'),
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(SluiceError)
  return error as SluiceError
}

/** Writes a bundle as the gateway keeps it, away from its sources, and runs code with its module `m`. */
let runs = 0
function run({ files }: Bundle, code: string) {
  const folder = join(project.path, 'artifacts', String(runs++))
  for (const [name, bytes] of files) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), bytes)
  }
  const url = pathToFileURL(join(folder, 'index.mjs')).href
  const args = ['--enable-source-maps', '--input-type=module', '--eval', `import * as m from '${url}';${code}`]
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { stdout, stderr, folder }
}

describe('bundleFunction', () => {
  it('makes one module of TypeScript and its dependencies, CommonJS and ES modules alike', async () => {
    const made = await bundle(
      'index.ts',
      `import { exists, here } from 'common'
       import { twice } from 'modern'
       import { createRequire } from 'node:module'
       const require = createRequire(import.meta.url)
       interface Input { n: number }
       export default (input: Input): object =>
         ({ twice: twice(input.n), exists: exists('/'), here: here(), eol: require('os').EOL })`,
    )
    expect([...made.files.keys()].sort()).toEqual(['index.mjs', 'index.mjs.map'])
    expect(made.sources).toBe(3)
    const text = Buffer.from(made.files.get('index.mjs') ?? []).toString()
    expect(text).not.toContain('never called')
    const { stdout, stderr, folder } = run(made, 'console.log(JSON.stringify(m.default({ n: 21 })))')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toEqual({ twice: 42, exists: true, here: folder, eol: '\n' })
  })

  it('leaves modules alone that need nothing of CommonJS', async () => {
    const made = await bundle('plain.ts', 'export default (): number => 1')
    expect(Buffer.from(made.files.get('index.mjs') ?? []).toString()).not.toContain('require')
  })

  it.each([
    ['ES modules', "import { twice } from 'modern'"],
    ['CommonJS, above which a line is put', "import { exists as twice } from 'common'"],
  ])('maps places of errors to the sources, with %s', async (_what, line) => {
    const made = await bundle(
      'thrower.ts',
      `${line}\n\n/* a comment */ export default (n: number) => {\n  if (twice) throw new Error('bad')\n}`,
    )
    const { stderr } = run(made, 'm.default(1)')
    expect(stderr).toMatch(/thrower\.ts:4:\d+/)
    expect(stderr).toContain("if (twice) throw new Error('bad')")
    const map = JSON.parse(Buffer.from(made.files.get('index.mjs.map') ?? []).toString()) as { sources: string[] }
    expect(map.sources).toContain('thrower.ts')
  })

  it('gives the same bytes wherever the project lies', async () => {
    const other = createProjectFolder()
    const text = 'export default (a: number) => a'
    const entry = other.file('same.ts', text)
    const there = await bundleFunction({ entry, directory: other.path, handler: 'default', files: [] })
    other.remove()
    expect((await bundle('same.ts', text)).hash).toBe(there.hash)
  })

  it('takes data files: imported, or named', async () => {
    project.file('add.wasm', new Uint8Array([0, 97, 115, 109]))
    project.file('query.sql', 'select 1')
    project.file('data/rates.json', '{"EUR":1}')
    project.file('data/more/deep.bin', 'deep')
    const made = await bundle(
      'files.ts',
      `import wasm from './add.wasm'
       import query from './query.sql'
       import { readFileSync } from 'node:fs'
       const at = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
       export default () => [at(wasm).length, query, at('./data/rates.json'), at('./data/more/deep.bin')]`,
      { files: ['data/**/*'] },
    )
    expect([...made.files.keys()].sort()).toEqual([
      expect.stringMatching(/^add-\w+\.wasm$/),
      'data/more/deep.bin',
      'data/rates.json',
      'index.mjs',
      'index.mjs.map',
    ])
    expect(JSON.parse(run(made, 'console.log(JSON.stringify(m.default()))').stdout)).toEqual([
      4,
      'select 1',
      '{"EUR":1}',
      'deep',
    ])
  })

  it('warns of files that the code reads beside itself and that are not uploaded', async () => {
    const made = await bundle('beside.ts', "export default () => new URL('./model.bin', import.meta.url)")
    expect(made.warnings).toEqual([
      'the code reads ./model.bin beside itself, and it is not uploaded: name it in files: of the manifest',
    ])
  })

  it('tells all problems with file, line, column and the line itself', async () => {
    const { code, message } = await problemOf(
      bundle(
        'broken.ts',
        "import pad from 'left-pad'\n\timport { y } from './nope.ts'\nexport default () => [pad, y]\n",
      ),
    )
    expect(code).toBe('SLUICE_CLI_BUNDLE')
    expect(message).toContain('2 problems in ')
    expect(message).toMatch(/broken\.ts:1:17: Could not resolve "left-pad"\n {2}1 │ import pad from 'left-pad'\n/)
    expect(message).toContain('is it installed? npm install left-pad')
    expect(message).toMatch(/broken\.ts:2:20: Could not resolve "\.\/nope\.ts"/)
  })

  it('counts columns in characters', async () => {
    const { message } = await problemOf(bundle('umlaut.ts', "const größe = '👍'; const x = ;"))
    expect(message).toMatch(/umlaut\.ts:1:31: Unexpected ";"\n {2}1 │ const größe = '👍'; const x = ;\n {4}│ {31}~/)
  })

  it('says what the entry exports when its handler is not among it', async () => {
    const text = 'export const run = () => 1\nexport const stop = 2'
    expect((await problemOf(bundle('named.ts', text))).message).toMatch(/named\.ts exports run, stop, but no default/)
    expect((await problemOf(bundle('none.ts', 'const a = 1'))).message).toContain('exports nothing')
    await expect(bundle('named.ts', text, { handler: 'run' })).resolves.toMatchObject({ sources: 1 })
  })

  it.each([
    ['is not there', 'nope.bin', 'cannot be read'],
    ['matches nothing', 'nope/*', 'nothing matches nope/*'],
    ['is outside', '../secret', 'is outside of'],
    ['is absolute', '/etc/passwd', 'is outside of'],
  ])('refuses a data file that %s', async (_what, pattern, expected) => {
    const { message } = await problemOf(bundle('data.ts', 'export default () => 1', { files: [pattern] }))
    expect(message).toContain(expected)
  })
})

describe('artifactHash', () => {
  it('is the one under which the gateway keeps the files', async () => {
    const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/)
    const files = fc.array(fc.tuple(fc.oneof(name, fc.constant('index.mjs')), fc.uint8Array({ maxLength: 64 })))
    await fc.assert(
      fc.asyncProperty(files, async entries => {
        const set = new Map(entries)
        expect(artifactHash(set)).toBe(await gatewayHash(set))
      }),
    )
  })
})
