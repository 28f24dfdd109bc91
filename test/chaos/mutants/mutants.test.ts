import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeScript } from '../../support/child-process.ts'
import { applyEdits, type SourceEdit } from './mutant.ts'
import { mutants } from './mutants.ts'
import { assertPlanted, planted } from './plant.ts'

const root = resolve(import.meta.dirname, '../../..')
const sourceOf = (file: string): string => readFileSync(join(root, 'src', file), 'utf8')

describe('the planted bugs', () => {
  it('are ten, each with a name of its own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(10)
  })

  it.each(mutants)(
    '$name: changes what stands there now, once, within one line, into code that can be read',
    ({ edits }) => {
      for (const [file, ofFile] of Map.groupBy(edits, edit => edit.file)) {
        const source = sourceOf(file)
        const mutated = applyEdits(source, ofFile)
        expect(ofFile.filter(({ find }) => find.includes('\n'))).toEqual([])
        expect(mutated.split('\n')).toHaveLength(source.split('\n').length)
        expect(() => stripTypeScriptTypes(mutated)).not.toThrow()
      }
    },
  )
})

describe('an edit of a source', () => {
  const edit: SourceEdit = { file: 'some.ts', find: 'commit(', replace: 'forget(' }

  it('replaces its text', () => {
    expect(applyEdits('await log.commit(1)', [edit])).toBe('await log.forget(1)')
  })

  it.each([
    ['log.append(1)', 'a mutant looks for "commit(" in src/some.ts, and it is there 0 times'],
    ['commit(1); commit(2)', 'a mutant looks for "commit(" in src/some.ts, and it is there 2 times'],
  ])('of %j is refused', (source, message) => {
    expect(() => applyEdits(source, [edit])).toThrow(message)
  })
})

describe('a process with a planted bug', () => {
  const version: SourceEdit = {
    file: 'read-version.ts',
    find: 'export function readVersion(): string {',
    replace: 'export function readVersion(): string { if (Math.random() < 2) return "planted";',
  }
  const start = (edits: readonly SourceEdit[]) =>
    startNodeScript({ script: join(root, 'bin/sluice.js'), args: ['--version'], ...planted(edits) })

  it('runs the changed source', async () => {
    const process = start([version])
    expect(await process.exited).toEqual({ code: 0, signal: null })
    expect(process.stdout).toEqual(['planted'])
    assertPlanted(process, [version])
  })

  it('is the right one without edits', async () => {
    const process = start([])
    await process.exited
    expect(process.stdout).toEqual([JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version])
    expect(() => assertPlanted(process, [version])).toThrow('src/read-version.ts was not loaded')
  })

  it('does not start when what it is to change is not there', async () => {
    const process = start([{ ...version, find: 'nobody wrote this' }])
    expect((await process.exited).code).not.toBe(0)
    expect(process.stderr.join('\n')).toContain('it is there 0 times')
  })
})
