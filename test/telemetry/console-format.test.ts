import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createConsoleFormat } from '../../src/telemetry/console-format.ts'

const format = createConsoleFormat({ colors: false })
const line = (entry: object): string =>
  `${JSON.stringify({ time: '2026-01-02T03:04:05.678Z', level: 'info', ...entry })}\n`

it('puts the stack of an error below the line', () => {
  const text = format(line({ msg: 'failed', err: { message: 'boom', stack: 'Error: boom\n    at x' } }))
  expect(text.split('\n').slice(1)).toEqual(['  Error: boom', '      at x', ''])
})

it('passes what is no entry unchanged', () => {
  expect(format('not json\n')).toBe('not json\n')
  expect(format('[1]\n')).toBe('[1]\n')
})

it('cuts long values', () => {
  expect(format(line({ msg: 'm', body: 'x'.repeat(10_000) })).length).toBeLessThan(600)
})

it('colours the level where it may', () => {
  expect(createConsoleFormat({ colors: true })(line({ msg: 'm' }))).toContain('\u001b[32mINFO \u001b[0m')
})

it('lets no sender steer the terminal or forge a line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (msg, value) => {
      const text = format(line({ msg, value, nested: { value } }))
      expect(text.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
      expect(text.endsWith('\n')).toBe(true)
    }),
  )
})
