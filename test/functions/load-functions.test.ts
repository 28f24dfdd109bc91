import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import type { SluiceError } from '../../src/errors/sluice-error.ts'
import { loadFunctions } from '../../src/functions/load-functions.ts'

let dir: string
beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'sluice-functions-'))))
afterAll(() => rmSync(dir, { recursive: true }))

const load = (functions: string) =>
  loadFunctions(parseConfig(`functions:\n${functions}`, join(dir, 'gateway.yaml'), { environment: {} }))
const hashOf = (section: string) => load(`  f: ${section}`).get('f')?.hash

describe('loadFunctions', () => {
  it('completes a definition with its defaults', () => {
    writeFileSync(join(dir, 'a.js'), 'export default () => {}')
    const declared = load('  f: { file: a.js, retry: { maxAttempts: 3 } }').get('f')
    expect(declared).toMatchObject({
      name: 'f',
      code: { kind: 'file', path: join(dir, 'a.js'), bytes: 23 },
      definition: {
        runtime: 'nodejs',
        handler: 'default',
        labels: {},
        timeoutMs: 30_000,
        concurrency: 8,
        memoryMiB: 128,
        maxResultBytes: 1_048_576,
        retry: { maxAttempts: 3, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 },
        scaling: { minWorkers: 0, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
      },
    })
    expect(declared?.definition).not.toHaveProperty('batch')
    expect(declared?.definition).not.toHaveProperty('file')
  })

  it('hashes code and definition, and nothing that does not matter', () => {
    writeFileSync(join(dir, 'a.js'), 'export default () => 1')
    const hash = hashOf('{ file: a.js, environment: { A: x, B: y } }')
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(hashOf('{ environment: { B: y, A: x }, file: a.js }')).toBe(hash)
    expect(hashOf('{ file: a.js, environment: { A: x, B: z } }')).not.toBe(hash)
    expect(hashOf('{ file: a.js, environment: { A: x, B: y }, timeoutMs: 10 }')).not.toBe(hash)
    writeFileSync(join(dir, 'a.js'), 'export default () => 2')
    expect(hashOf('{ file: a.js, environment: { A: x, B: y } }')).not.toBe(hash)
  })

  it('tells all problems at once, each with function and place', () => {
    mkdirSync(join(dir, 'folder.js'), { recursive: true })
    writeFileSync(join(dir, 'a.js'), '')
    const sections = [
      '  good: { file: a.js }',
      '  gone: { file: none.js }',
      '  folder: { file: folder.js }',
      '  kind: { file: a.py }',
    ]
    let error: SluiceError | undefined
    try {
      load(sections.join('\n'))
    } catch (thrown) {
      error = thrown as SluiceError
    }
    expect(error?.code).toBe('SLUICE_FUNCTIONS_LOAD')
    const file = join(dir, 'gateway.yaml')
    expect(error?.message.split('\n')).toEqual([
      `${file}:3:17: function 'gone': there is no file ${join(dir, 'none.js')}`,
      `${file}:4:19: function 'folder': ${join(dir, 'folder.js')} is not a file`,
      `${file}:5:17: function 'kind': ${join(dir, 'a.py')} is no ES module: its name must end in .js, .mjs, .ts, .mts`,
    ])
  })
})
