import { describe, expect, it } from 'vitest'
import { quietLog } from '../../../../src/log/kafka/kafkajs/quiet-log.ts'

describe('the quiet log', () => {
  it('passes a message on once a minute, with the number of those that were left out', () => {
    const lines: unknown[] = []
    let nowMs = 0
    const log = quietLog<string>(
      (...line) => lines.push(line),
      () => nowMs,
    )
    for (nowMs = 0; nowMs < 70_000; nowMs += 10_000) {
      log('error', 'refused', { at: nowMs })
      if (nowMs === 20_000) log('warn', 'other', {})
    }
    expect(lines).toEqual([
      ['error', 'refused', { at: 0 }],
      ['warn', 'other', {}],
      ['error', 'refused', { at: 60_000, repeated: 5 }],
    ])
  })

  it('stays small whatever is said', () => {
    let count = 0
    const log = quietLog<string>(
      () => count++,
      () => 0,
    )
    for (let index = 0; index < 1_000; index++) log('error', `message ${index}`, {})
    expect(count).toBe(1_000)
  })
})
