import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { handlerDeclarations } from '../../../scripts/handler-declarations.ts'
import { typeDeclarations } from '../../../src/cli/init/type-declarations.ts'
import { readManifests } from '../../../src/cli/manifest/read-manifests.ts'
import { startMemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'
import { cli } from '../test-io.ts'

let folder: ProjectFolder
beforeEach(() => void (folder = createProjectFolder()))
afterEach(() => folder.remove())

const at = (...parts: string[]) => join(folder.path, ...parts)
const run = (directory: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: directory, encoding: 'utf8' })
  return { status, output: stdout + stderr }
}

describe('sluice init', () => {
  it.each(['stream', 'http', 'schedule'])(
    'makes a %s project that passes its test, type-checks and deploys',
    async template => {
      const { code, out, err } = await cli(['init', at('my-price'), '--template', template])
      expect([code, err]).toEqual([0, ''])
      expect(out).toContain('npm test\n  sluice deploy\n  sluice invoke my-price --file event.json')

      // As `npm test` does; nothing is installed.
      expect(run(at('my-price'), '--test')).toMatchObject({ status: 0, output: expect.stringMatching(/fail 0/) })
      // As `npm install && npm run check` does.
      symlinkSync(resolve('node_modules'), at('my-price', 'node_modules'))
      expect(run(at('my-price'), resolve('node_modules/typescript/bin/tsc'))).toEqual({ status: 0, output: '' })

      const manifests = readManifests([at('my-price', 'sluice.yaml')], {})
      expect([manifests.names, [...manifests.functions.keys()]]).toEqual([['my-price'], ['my-price']])
      const gateway = await startMemoryGateway()
      const deploy = ['deploy', '--manifest', at('my-price', 'sluice.yaml'), '--alias', 'live', '--url', gateway.url]
      expect((await cli(deploy)).out).toContain('my-price@live → 1\n')
      await gateway.close()
    },
  )

  it('has the types that the gateway has: node scripts/write-handler-declarations.ts renews them', () => {
    expect(typeDeclarations).toBe(handlerDeclarations())
  })

  it('has triggers in its manifest that hold once they are uncommented', async () => {
    for (const template of ['stream', 'schedule']) {
      await cli(['init', at(template), '--template', template])
      const file = at(template, 'sluice.yaml')
      folder.file(`${template}/sluice.yaml`, readFileSync(file, 'utf8').replaceAll(/^# (?=triggers| )/gm, ''))
      expect([...readManifests([file], {}).triggers.values()]).toMatchObject([
        { definition: { function: `${template}@live` } },
      ])
    }
  })

  it('never overwrites, and adds what is missing', async () => {
    folder.file('p/index.ts', 'mine')
    const first = await cli(['init', at('p')])
    expect(first.err).toBe('Kept as they were: index.ts\n')
    expect(readFileSync(at('p/index.ts'), 'utf8')).toBe('mine')
    expect(existsSync(at('p/sluice.d.ts'))).toBe(true)
    const again = await cli(['init', at('p')])
    expect(again.code).toBe(0)
    expect(again.err).toMatch(/^Kept as they were: index\.ts, index\.test\.ts, .*\.gitignore\n$/)
  })

  it('names the function after the folder, as far as that is a name', async () => {
    await cli(['init', at('My Project')])
    expect([...readManifests([at('My Project/sluice.yaml')], {}).functions.keys()]).toEqual(['my-project'])
    await cli(['init', at('q'), '--name', 'price'])
    expect([...readManifests([at('q/sluice.yaml')], {}).functions.keys()]).toEqual(['price'])
  })

  it('says so when the folder cannot be written', async () => {
    const file = folder.file('a-file', '')
    expect(await cli(['init', join(file, 'x')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot be written'),
    })
  })

  it.each([
    ['a template that is none', ['x', '--template', 'ftp'], 'Allowed choices are stream, http, schedule'],
    ['a name that cannot be one', ['x', '--name', 'Price'], 'cannot be a name'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    expect(await cli(['init', ...args])).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
  })
})
