import { describe, expect, it } from 'vitest'
import { decideSource, type SourceFacts } from '../../../src/gateway/why/source-answer.ts'

const sinceMs = Date.UTC(2026, 2, 1, 14, 0, 58)
const base: SourceFacts = {
  ...{ name: 'hooks', kind: 'http', stream: 'orders', state: 'running', detail: undefined, pause: undefined },
}
const pause = { reason: 'flood', by: 'ada', sinceMs }

describe('the verdict on a source', () => {
  it.each<[Partial<SourceFacts>, string, string]>([
    [{}, 'taking', 'takes what comes'],
    [
      { pause },
      'paused',
      'was paused by ada at 2026-03-01T14:00:58Z: flood; senders are answered 503 and have to send again',
    ],
    [
      { pause: { ...pause, expiresAtMs: sinceMs + 2_000 }, kind: 'mqtt', state: 'paused' },
      'paused',
      'was paused by ada at 2026-03-01T14:00:58Z, until 2026-03-01T14:01:00Z: flood; devices are disconnected and have to send again, or their own broker keeps what comes',
    ],
    [
      { pause, kind: 'kafka', state: 'impaired', detail: 'no broker answers' },
      'paused',
      'was paused by ada at 2026-03-01T14:00:58Z: flood; what comes stays in its topic',
    ],
    [{ pause, kind: 'schedule' }, 'paused', 'was paused by ada at 2026-03-01T14:00:58Z: flood; its ticks are missed'],
    [
      { state: 'impaired', detail: 'no broker answers' },
      'impaired',
      'takes nothing now, and tries again: no broker answers',
    ],
    [{ state: 'starting' }, 'starting', 'is being started'],
    [{ state: 'stopped' }, 'stopped', 'takes nothing: it is being stopped or started'],
    [{ state: 'paused' }, 'stopped', 'takes nothing: it is being stopped or started'],
  ])('%j is %s', (more, verdict, text) => {
    const { sentence, next, ...answer } = decideSource({ ...base, ...more })
    expect(answer).toMatchObject({ verdict, source: 'hooks', stream: 'orders' })
    expect(sentence).toBe(`source hooks ${text}`)
    expect(next).toBe(verdict === 'paused' ? 'sluice resume source hooks' : null)
  })
})
