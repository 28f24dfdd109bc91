import type { FunctionLogLine } from '../../src/store/observations.ts'

/** A line that a function wrote. */
export const logLine = (message: string, more: Partial<FunctionLogLine> = {}): FunctionLogLine => ({
  atMs: Date.now(),
  function: 'price',
  version: '3',
  kind: 'console',
  level: 'info',
  message,
  ...more,
})

export const messagesOf = (lines: readonly FunctionLogLine[]): string[] => lines.map(({ message }) => message)

export const numbered = (count: number, from = 0): FunctionLogLine[] =>
  Array.from({ length: count }, (_, index) => logLine(String(from + index)))
