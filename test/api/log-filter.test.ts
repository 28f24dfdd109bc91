import { describe, expect, it } from 'vitest'
import { createLogFilter } from '../../src/api/log-filter.ts'
import { logLineOf } from './sample-views.ts'

const line = logLineOf(5, {
  atMs: 100,
  level: 'warn',
  message: 'Größe 7',
  fields: { sku: 'A-1' },
  invocationId: 'i1',
  traceId: 't1',
  version: '3',
})

describe('a filter of log lines', () => {
  it.each([
    [{}, true],
    [{ level: 'warn' }, true],
    [{ level: 'error' }, false],
    [{ fromMs: 100 }, true],
    [{ fromMs: 101 }, false],
    [{ toMs: 101 }, true],
    [{ toMs: 100 }, false],
    [{ text: 'GRÖSSE' }, false],
    [{ text: 'GRÖßE' }, true],
    [{ text: 'a-1' }, true],
    [{ text: 'b-1' }, false],
    [{ invocationId: 'i1' }, true],
    [{ invocationId: 'i2' }, false],
    [{ traceId: 't1' }, true],
    [{ traceId: 't2' }, false],
    [{ version: '3' }, true],
    [{ version: 'latest' }, false],
    [{ level: 'info', text: 'sku', version: '3', fromMs: 1, toMs: 200 }, true],
  ] as const)('%j lets the line pass: %s', (filter, passes) => {
    expect(createLogFilter(filter)(line)).toBe(passes)
  })
})
