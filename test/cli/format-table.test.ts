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

describe('formatTable, on a terminal', () => {
  interface Row {
    readonly name: string
    readonly count: number
    readonly empty: string
    readonly why: string
  }
  const wide = [
    { title: 'NAME', value: (row: Row) => row.name },
    { title: 'COUNT', value: (row: Row) => row.count, leaveOut: 2 },
    { title: 'SAME', value: (row: Row) => row.count, leaveOut: 1 },
    { title: 'EMPTY', value: (row: Row) => row.empty },
    { title: 'WHY', value: (row: Row) => row.why },
  ]
  const rows = [{ name: 'a-long-name', count: 12_345, empty: '', why: 'because of a very long reason indeed' }]
  const at = (columns: number) => formatTable(wide, rows, { columns, colors: false })

  it('leaves out what is empty, cuts the last text off, then leaves out what matters least', () => {
    expect(at(80)).toBe(
      'NAME          COUNT    SAME  WHY\na-long-name  12,345  12,345  because of a very long reason indeed\n',
    )
    expect(at(55)).toBe('NAME          COUNT    SAME  WHY\na-long-name  12,345  12,345  because of a very long re…\n')
    expect(at(45)).toBe(
      'NAME           SAME  WHY\na-long-name  12,345  because of a very long …\n(1 more column: widen the terminal, or use --json)\n',
    )
  })

  it('fits any terminal that is wide enough for what always stays', () => {
    fc.assert(
      fc.property(fc.integer({ min: 40, max: 120 }), columns => {
        const [first = '', second = ''] = at(columns).split('\n')
        expect(Math.max(first.length, second.length)).toBeLessThanOrEqual(columns)
      }),
    )
  })

  it('has colours where the terminal has, and the same widths', () => {
    const colored = formatTable([{ title: 'STATE', value: () => 'ready', color: () => 'green' as const }], [1], {
      columns: 80,
      colors: true,
    })
    expect(colored).toBe('\u001b[1mSTATE\u001b[22m\n\u001b[32mready\u001b[39m\n')
  })
})
