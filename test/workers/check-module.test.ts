import { describe, expect, it } from 'vitest'
import { checkFunction } from '../../src/workers/check-module.ts'
import { fixture, versionOf } from './worker-fixtures.ts'

describe('checkFunction', () => {
  it.each(['echo.mjs', 'init-throws.mjs', 'typed.ts'])('accepts %s', async file => {
    await checkFunction(versionOf(file, { handler: file === 'typed.ts' ? 'onReading' : 'default' }))
  })

  it.each([
    ['not-there.mjs', /there is no file .*not-there\.mjs/],
    ['load-syntax.mjs', /cannot be loaded: SyntaxError: .*load-syntax\.mjs:2/s],
    ['load-throws.mjs', /cannot be loaded: Error: no database 3 \(at .*load-throws\.mjs:2:7\)/],
    ['load-never.mjs', /was not loaded within 400 ms/],
    ['load-loop.mjs', /was not loaded within 400 ms/],
    ['load-exit.mjs', /ended its worker while loading/],
    ['no-handler.mjs', /exports no handler function 'default'; it exports other/],
    ['missing-import.mjs', /cannot be loaded: .*a-package-that-is-not-there/],
  ])('refuses %s and says why and where', async (file, message) => {
    const waits = file === 'load-never.mjs' || file === 'load-loop.mjs'
    await expect(checkFunction(versionOf(file), waits ? { timeoutMs: 400 } : {})).rejects.toMatchObject({
      code: 'SLUICE_FUNCTIONS_LOAD',
      message: expect.stringMatching(message) as string,
      details: { function: 'probe', file: fixture(file) },
    })
  })
})
