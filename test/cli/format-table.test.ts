import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatTable } from '../../src/cli/format-table.ts'

const columns = [
  { title: 'NAME', value: (row: { n: string; c: number | null }) => row.n },
  { title: 'COUNT', value: (row: { n: string; c: number | null }) => row.c },
]

describe('formatTable', () => {
  it('puts numbers right with grouped digits, and tells unknown from none', () => {
    const rows = [
      { n: 'a', c: 1_234_567 },
      { n: '', c: null },
    ]
    expect(formatTable(columns, rows)).toBe('NAME      COUNT\na     1,234,567\n-             ?\n')
  })

  it('prints one line per row, whatever a name holds', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ n: fc.string({ unit: 'binary' }), c: fc.option(fc.nat()) })), rows => {
        const text = formatTable(columns, rows)
        expect(text.split('\n')).toHaveLength(rows.length + 2)
        expect(text.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f]/)
      }),
    )
  })
})
