import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { errorReference } from '../../scripts/error-reference.ts'
import { errorCodes } from '../../src/errors/error-codes.ts'

const codes = Object.keys(errorCodes)

describe('the table of errors', () => {
  it('has every code once, by area, as SLUICE_<AREA>_<WHAT>', () => {
    // The compiler refuses a code that stands twice in the object; the text is what a merge can break.
    const text = readFileSync('src/errors/error-codes.ts', 'utf8')
    const written = [...text.matchAll(/^ {2}(SLUICE_\w+):/gm)].map(([, code]) => code)
    expect(written).toEqual(codes)
    expect(new Set(written).size).toBe(written.length)
    for (const code of codes) expect(code).toMatch(/^SLUICE_([A-Z]+_[A-Z0-9_]+|INTERNAL)$/)
    const areas = codes.map(code => code.split('_')[1])
    expect(areas.filter((area, index) => area !== areas[index - 1])).toEqual([...new Set(areas)])
  })

  it('has a status that HTTP can answer, and a title of its own', () => {
    for (const { status, title } of Object.values(errorCodes)) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(600)
      expect(title).not.toBe('')
    }
  })

  it('is what docs/reference/errors.md tells; run `npm run docs:errors` after a change', () => {
    expect(readFileSync('docs/reference/errors.md', 'utf8')).toBe(errorReference())
  })
})
