import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Linter } from 'eslint'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
// @ts-expect-error The launcher is plain JavaScript without types.
import { nodeVersionProblem } from '../../bin/check-node-version.js'
import { runProcess } from '../cli/run-process.ts'

const problem = nodeVersionProblem as (version: string, executable: string) => string | undefined

let dir: string
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'sluice-bin-'))))
afterAll(() => rmSync(dir, { recursive: true }))

describe('the launcher', () => {
  it.each(['v12.22.0', 'v18.0.0', 'v20.20.2', 'v23.11.1'])('tells Node %s what to do', version => {
    const text = problem(version, '/usr/bin/node')
    expect(text).toContain(`${version} (/usr/bin/node)`)
    expect(text).toContain('npm ci')
  })

  it.each(['v24.0.0', 'v26.10.0', 'v100.0.0'])('lets Node %s in', version => {
    expect(problem(version, 'node')).toBeUndefined()
  })

  it.each(['bin/sluice.js', 'bin/check-node-version.js'])('%s is JavaScript that Node 12 can parse', file => {
    const code = readFileSync(file, 'utf8')
    const config = { languageOptions: { ecmaVersion: 2020, sourceType: 'module' } } as const
    expect(new Linter().verify(code, config)).toEqual([])
    // Node 12 knows neither of these, although the language of 2020 has the first two; nor imports with `node:`.
    expect(code).not.toMatch(/\?\?|\?\.[a-z]|from 'node:/)
  })

  it('exits with 2 under an older Node, where there is one on the machine', context => {
    const old = ['/usr/bin/node', '/usr/local/bin/node', '/bin/node'].find(path => {
      if (!existsSync(path)) return false
      const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' })
      return Number(/^v(\d+)/.exec(stdout)?.[1]) < 24
    })
    if (old === undefined) return context.skip('no older Node is installed')
    const { status, stderr } = spawnSync(old, ['bin/sluice.js', 'version'], { encoding: 'utf8' })
    expect(status).toBe(2)
    expect(stderr).toContain('Sluice needs Node.js 24 or later')
  })

  it('runs the built code where it is installed, and the sources in a clone', async () => {
    const installed = join(dir, 'node_modules/sluice')
    mkdirSync(join(installed, 'dist'), { recursive: true })
    mkdirSync(join(installed, 'src'))
    cpSync('bin', join(installed, 'bin'), { recursive: true })
    writeFileSync(join(installed, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(installed, 'dist/main.js'), "console.log('built')")
    writeFileSync(join(installed, 'src/main.ts'), "console.log('sources')")
    expect((await runProcess(join(installed, 'bin/sluice.js'), [])).stdout).toBe('built\n')
    expect((await runProcess('bin/sluice.js', ['version'])).stdout).toMatch(/^sluice /)
  })

  it('says what is missing in a broken installation', async () => {
    const broken = join(dir, 'broken')
    mkdirSync(broken)
    cpSync('bin', join(broken, 'bin'), { recursive: true })
    writeFileSync(join(broken, 'package.json'), '{ "type": "module" }')
    const { code, stderr } = await runProcess(join(broken, 'bin/sluice.js'), [])
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot load')])
  })
})
