import { describe, expect, it } from 'vitest'
import type { History, Run, SentEvent } from './history.ts'
import { judge, type Rules } from './judge.ts'
import { addVerdict, emptyVerdict, violated } from './verdict.ts'

/** `k-3` is event 3 of key k. */
function identity(id: string): { id: string; key: string; sequence: number } {
  const [key = '', sequence] = id.split('-')
  return { id, key, sequence: Number(sequence) }
}

function sent(id: string, outcome: SentEvent['outcome'] = 'acknowledged', copies = 1): SentEvent {
  return { ...identity(id), outcome, copies }
}

function run(id: string, startUs: number, endUs: number, more: Partial<Run> = {}): Run {
  return { ...identity(id), attempt: 1, startUs, endUs, outcome: 'done', ...more }
}

function history(events: readonly SentEvent[], runs: readonly Run[], more: Partial<History> = {}): History {
  return {
    sent: new Map(events.map(event => [event.id, event])),
    runs,
    deadLetters: [],
    interruptions: [],
    pauses: [],
    unreadable: 0,
    ...more,
  }
}

const rules: Rules = { isOrdered: true, window: 2 }

/** Two keys, a refused event, a dead letter, an event of unknown outcome that arrived, a failed attempt, a kill. */
const good = history(
  [
    sent('a-0'),
    sent('a-1', 'unknown'),
    sent('a-2', 'acknowledged', 2),
    sent('b-0'),
    sent('b-1', 'refused'),
    sent('b-2'),
  ],
  [
    run('a-0', 0, 10),
    run('b-0', 5, 8, { outcome: 'failed' }),
    run('a-1', 10, 12),
    run('a-0', 100, 110),
    run('a-1', 110, 111),
    run('a-2', 111, 112),
    run('a-2', 112, 113),
    run('b-2', 120, 121),
  ],
  { deadLetters: [identity('b-0')], interruptions: [{ atUs: 50, readyUs: 1_050 }] },
)

describe('a history in which everything promised was kept', () => {
  it('has no violation', () => {
    const verdict = judge(good, rules)
    expect(violated(verdict)).toEqual([])
    expect(verdict.counts).toEqual({
      sent: 6,
      acknowledged: 4,
      refused: 1,
      unknown: 1,
      done: 4,
      deadLetters: 1,
      runs: 8,
      interruptions: 1,
    })
  })

  it('tells duplicates by their interruption and the time to recover', () => {
    const { duplicates, mostDuplicates, readyMs, firstRunMs } = judge(good, rules)
    // a-0 and a-1 after the kill; the second a-2 is a copy of its sender.
    expect({ duplicates, mostDuplicates }).toEqual({ duplicates: 3, mostDuplicates: 2 })
    expect(readyMs).toEqual([1])
    expect(firstRunMs).toEqual([0.05])
  })
})

describe('each violation is found, alone, with the event named', () => {
  it.each<{ kind: string; history: History; example: string; rules?: Rules }>([
    {
      kind: 'lost',
      history: history([sent('a-0'), sent('a-1')], [run('a-0', 0, 1)]),
      example: 'a-1 was acknowledged and neither ran nor became a dead letter',
    },
    {
      kind: 'lost',
      // Only its failures are known: it was tried and dropped.
      history: history([sent('a-0')], [run('a-0', 0, 1, { outcome: 'failed' })]),
      example: 'a-0 was acknowledged and neither ran nor became a dead letter',
    },
    {
      kind: 'phantom',
      history: history([sent('a-0')], [run('a-0', 0, 1), run('b-7', 0, 1)]),
      example: 'b-7 ran and was never sent',
    },
    {
      kind: 'phantom',
      history: history([sent('a-0')], [run('a-0', 0, 1)], { deadLetters: [identity('a-1')] }),
      example: 'a-1 became a dead letter and was never sent',
    },
    {
      kind: 'phantom',
      history: history([sent('a-0')], [run('a-0', 0, 1, { key: 'b' })]),
      example: 'a-0 was sent as a/0 and ran as b/0',
    },
    {
      kind: 'outOfOrder',
      history: history([sent('a-0'), sent('a-1')], [run('a-1', 0, 1), run('a-0', 2, 3)]),
      example: 'a-0 was first done after a-1',
    },
    {
      kind: 'overlapping',
      history: history([sent('a-0'), sent('a-1')], [run('a-0', 0, 10), run('a-1', 4, 12)]),
      example: 'a-1 began 6 µs before a-0 ended',
    },
    {
      kind: 'overlapping',
      // A failed attempt counts, and so does a long run behind which a short one has ended already.
      history: history(
        [sent('a-0'), sent('a-1'), sent('a-2')],
        [run('a-0', 0, 100, { outcome: 'failed' }), run('a-0', 100, 101), run('a-1', 102, 200), run('a-2', 199, 203)],
      ),
      example: 'a-2 began 1 µs before a-1 ended',
    },
    {
      kind: 'excessDuplicates',
      history: history([sent('a-0')], [run('a-0', 0, 1), run('a-0', 2, 3)]),
      example: 'a-0 was done once more without an interruption',
    },
    {
      kind: 'excessDuplicates',
      // The interruption was before both runs.
      history: history([sent('a-0')], [run('a-0', 10, 11), run('a-0', 12, 13)], { interruptions: [{ atUs: 5 }] }),
      example: 'a-0 was done once more without an interruption',
    },
    {
      kind: 'excessDuplicates',
      history: history(
        [sent('a-0'), sent('b-0'), sent('c-0')],
        ['a-0', 'b-0', 'c-0', 'a-0', 'b-0', 'c-0'].map((id, index) => run(id, index * 10, index * 10 + 1)),
        { interruptions: [{ atUs: 25 }] },
      ),
      example: 'c-0 is repeat 3 of partition 0 after interruption 1',
    },
    {
      kind: 'excessDuplicates',
      // Its sender made two copies, and it was done three times.
      history: history([sent('a-0', 'acknowledged', 2)], [run('a-0', 0, 1), run('a-0', 2, 3), run('a-0', 4, 5)]),
      example: 'a-0 was done once more without an interruption',
    },
    {
      kind: 'whilePaused',
      history: history([sent('a-0'), sent('a-1')], [run('a-0', 0, 20), run('a-1', 30, 31)], {
        pauses: [{ fromUs: 10, toUs: 40 }],
      }),
      example: 'a-1 began 20 µs after the pause was confirmed',
    },
    {
      kind: 'unreadable',
      history: history([sent('a-0')], [run('a-0', 0, 1)], { unreadable: 1 }),
      example: 'a line of the run journal',
    },
  ])('$kind: $example', ({ kind, history: bad, example }) => {
    const verdict = judge(bad, rules)
    expect(violated(verdict)).toEqual([kind])
    expect(verdict.violations[kind as 'lost']).toMatchObject({ count: 1, examples: [example] })
  })
})

describe('the rules of a workload', () => {
  const disorder = history([sent('a-0'), sent('a-1')], [run('a-1', 0, 5), run('a-0', 1, 3)])

  it('ask for order only where it is promised', () => {
    expect(violated(judge(disorder, rules))).toEqual(['outOfOrder', 'overlapping'])
    expect(violated(judge(disorder, { ...rules, isOrdered: false }))).toEqual([])
  })

  it('allow each interruption its window in each partition', () => {
    const keys = ['a', 'b', 'c', 'd']
    const twice = history(
      keys.map(key => sent(`${key}-0`)),
      [
        ...keys.map((key, index) => run(`${key}-0`, index, index)),
        ...keys.map((key, index) => run(`${key}-0`, 100 + index, 100 + index)),
        ...keys.map((key, index) => run(`${key}-0`, 200 + index, 200 + index)),
      ],
      { interruptions: [{ atUs: 50 }, { atUs: 150 }] },
    )
    const partitionOf = (key: string): number => ('ab'.includes(key) ? 0 : 1)
    expect(violated(judge(twice, { isOrdered: true, window: 2, partitionOf }))).toEqual([])
    expect(judge(twice, { isOrdered: true, window: 1, partitionOf }).violations.excessDuplicates.count).toBe(4)
  })

  it('allow none after an interruption that finished what it had begun', () => {
    const events = [sent('a-0')]
    const runs = [run('a-0', 0, 1), run('a-0', 20, 21)]
    expect(violated(judge(history(events, runs, { interruptions: [{ atUs: 10 }] }), rules))).toEqual([])
    const clean = { interruptions: [{ atUs: 10, isClean: true }] }
    expect(violated(judge(history(events, runs, clean), rules))).toEqual(['excessDuplicates'])
  })

  it('allow no copies of senders whose repeats are recognised', () => {
    const copied = history([sent('a-0', 'acknowledged', 3)], [run('a-0', 0, 1), run('a-0', 2, 3)])
    expect(violated(judge(copied, rules))).toEqual([])
    expect(violated(judge(copied, { ...rules, isDeduplicated: ({ key }) => key === 'a' }))).toEqual([
      'excessDuplicates',
    ])
  })

  it('allow so many repeats for reasons of their own', () => {
    const repeated = history([sent('a-0')], [run('a-0', 0, 1), run('a-0', 2, 3), run('a-0', 4, 5)])
    expect(judge(repeated, { ...rules, otherRepeats: 1 }).violations.excessDuplicates.count).toBe(1)
    expect(judge(repeated, { ...rules, otherRepeats: 2 }).violations.excessDuplicates.count).toBe(0)
  })
})

it('adds up the verdicts on parts of an experiment, with a bounded number of examples', () => {
  const lossy = history(
    Array.from({ length: 30 }, (_, index) => sent(`a-${index}`)),
    [],
    { interruptions: [{ atUs: 0, readyUs: 2_000 }] },
  )
  const sum = emptyVerdict()
  for (const part of [good, lossy, good]) addVerdict(sum, judge(part, rules))
  expect(sum.counts).toMatchObject({ sent: 42, interruptions: 3 })
  expect(sum.violations.lost.count).toBe(30)
  expect(sum.violations.lost.examples).toHaveLength(10)
  expect(sum.duplicates).toBe(6)
  expect(sum.readyMs).toEqual([1, 2, 1])
})
