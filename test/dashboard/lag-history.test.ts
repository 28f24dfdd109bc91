import { describe, expect, it } from 'vitest'
import { LagHistory } from '../../src/dashboard/pages/lag-history.ts'

const partitionsOf = (lags: readonly (number | null)[]) =>
  lags.map((lag, partition) => ({ partition, lag, committed: 0, end: 0, inFlight: 0 }))

describe('the lag of partitions while one looks', () => {
  it('is a line for each partition when there are few', () => {
    const history = new LagHistory()
    history.take(partitionsOf([1, 2]), 1_000)
    history.take(partitionsOf([3, null]), 2_000)
    expect(history.times).toEqual([1_000, 2_000])
    expect(history.lines()).toEqual([
      { name: 'partition 0', values: [1, 3] },
      { name: 'partition 1', values: [2, null] },
    ])
  })

  it('is a line for the five that waited most, and one for the rest, when there are 500', () => {
    const history = new LagHistory()
    history.take(
      partitionsOf(Array.from({ length: 500 }, (_, partition) => (partition === 250 ? 9_000 : partition % 10))),
      1_000,
    )
    const lines = history.lines()
    expect(lines).toHaveLength(6)
    expect(lines.map(({ name }) => name)).toContain('partition 250')
    const sum = lines.flatMap(({ values }) => values).reduce<number>((total, lag) => total + (lag ?? 0), 0)
    expect(sum).toBe(
      9_000 +
        Array.from({ length: 500 }, (_, partition) => (partition === 250 ? 0 : partition % 10)).reduce((a, b) => a + b),
    )
  })

  it('counts a look once, and forgets what is older than ten minutes', () => {
    const history = new LagHistory()
    for (let second = 1; second <= 700; second++) {
      history.take(partitionsOf([second]), second * 1_000)
      history.take(partitionsOf([second]), second * 1_000)
    }
    expect(history.times).toHaveLength(600)
    expect(history.lines()[0]?.values.at(-1)).toBe(700)
  })
})
