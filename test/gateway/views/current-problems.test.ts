import { describe, expect, it } from 'vitest'
import { currentProblems, type Condition } from '../../../src/gateway/views/current-problems.ts'
import { scalingViewOf, triggerViewOf } from '../../api/sample-views.ts'

const running = {
  ...triggerViewOf('orders'),
  paused: null,
  deadLetters: 0,
  parkedKeys: 0,
  parkedEvents: 0,
  lag: 0,
  problem: null,
}
const well: Condition = {
  health: { healthy: true, ready: true, parts: [{ name: 'gateway', state: 'running', ready: true }] },
  isDiskLow: false,
  sources: [{ name: 'web', kind: 'http', state: 'running', stream: 'web', accepted: 1, duplicates: 0, refused: {} }],
  fill: new Map([['web', 0.79]]),
  triggers: [{ ...running, state: 'running', breaker: null }],
  versions: [],
}
const trigger = (fields: object) => ({ triggers: [{ ...well.triggers[0]!, ...fields }] })
const pausedBy = (by: string) => ({ reason: 'upgrade', by, sinceMs: 5, expiresAtMs: null })

describe('what is wrong now', () => {
  it('is nothing when everything runs', () => {
    expect(currentProblems(well)).toEqual([])
  })

  const cases: [string, Partial<Condition>, object][] = [
    [
      'a gateway that failed',
      {
        health: {
          healthy: false,
          ready: false,
          parts: [{ name: 'gateway', state: 'running', ready: false, detail: 'a sync failed' }],
        },
      },
      { severity: 'critical', kind: 'gateway', sentence: 'The gateway is running: a sync failed.' },
    ],
    [
      'a sink that cannot deliver',
      {
        health: {
          healthy: true,
          ready: false,
          parts: [{ name: 'sink:a:b', state: 'impaired', ready: false, detail: 'refused' }],
        },
      },
      { severity: 'critical', kind: 'sink', name: 'a:b', sentence: 'It cannot deliver: refused.' },
    ],
    ['a disk that is nearly full', { isDiskLow: true }, { severity: 'critical', kind: 'gateway' }],
    [
      'a stream that is nearly full',
      { fill: new Map([['web', 0.859]]) },
      { severity: 'warning', kind: 'stream', name: 'web', sentence: expect.stringContaining('85 %') },
    ],
    ['a stream that is full', { fill: new Map([['web', 1]]) }, { severity: 'critical', kind: 'stream' }],
    [
      'a source whose broker is away',
      { sources: [{ ...well.sources[0]!, state: 'impaired', detail: 'the broker is away.' }] },
      { severity: 'critical', kind: 'source', sentence: 'It takes nothing: the broker is away.' },
    ],
    [
      'a paused source',
      { sources: [{ ...well.sources[0]!, state: 'paused' }] },
      { severity: 'notice', kind: 'source' },
    ],
    [
      'a trigger that stopped',
      trigger({ state: 'stopped', detail: 'letters cannot be written' }),
      { severity: 'critical', kind: 'trigger', name: 'orders', sentence: 'It is stopped: letters cannot be written.' },
    ],
    [
      'a trigger whose function cannot run',
      trigger({ problem: 'function price is disabled' }),
      { severity: 'warning', sentence: 'Its events wait: function price is disabled.' },
    ],
    [
      'a trigger that somebody paused',
      trigger({ state: 'paused', paused: pausedBy('ada') }),
      { severity: 'notice', sinceMs: 5, sentence: 'It is paused by ada: upgrade.' },
    ],
    [
      'an open circuit breaker',
      trigger({
        state: 'paused',
        paused: pausedBy('breaker'),
        breaker: { state: 'open', attempts: 20, failures: 15, openings: 1, probeAtMs: 9 },
      }),
      { severity: 'critical', sentence: 'Its circuit breaker is open: 15 of 20 attempts failed.' },
    ],
    [
      'a dead letter',
      trigger({ deadLetters: 1 }),
      { severity: 'warning', sentence: '1 event could not be processed and is a dead letter.' },
    ],
    [
      'dead letters',
      trigger({ deadLetters: 1_200 }),
      { sentence: '1,200 events could not be processed and are dead letters.' },
    ],
    [
      'parked keys',
      trigger({ parkedKeys: 1, parkedEvents: 7 }),
      { severity: 'warning', sentence: '1 key with 7 events wait aside after failures.' },
    ],
    [
      'a lag that is not known',
      trigger({ lag: null }),
      { severity: 'warning', sentence: 'Its lag is not known: its broker does not answer.' },
    ],
    [
      'a version that cannot start',
      { versions: [{ ...scalingViewOf('price').versions[0]!, state: 'quarantined', problem: 'Cannot find module x' }] },
      {
        severity: 'critical',
        kind: 'function',
        sentence: expect.stringContaining('cannot start: Cannot find module x.'),
      },
    ],
  ]

  it.each(cases)('is %s', (_name, condition, problem) => {
    expect(currentProblems({ ...well, ...condition })).toEqual([expect.objectContaining(problem)])
  })

  it('begins with the worst', () => {
    const problems = currentProblems({
      ...well,
      isDiskLow: true,
      ...trigger({ deadLetters: 1, state: 'paused', paused: pausedBy('ada') }),
    })
    expect(problems.map(({ severity }) => severity)).toEqual(['critical', 'warning', 'notice'])
  })
})
