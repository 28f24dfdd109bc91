import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { describeMetrics, metricsReference } from '../../scripts/metrics-reference.ts'
import { startCli } from '../cli/test-io.ts'
import { alertRules, allQueries, dashboard, problemsOf } from './monitoring-queries.ts'
import { namesIn } from './promql.ts'

const metrics = await describeMetrics()

describe('every query of the dashboard and the alerts', () => {
  it.each(allQueries())('%s: names only metrics and labels that the gateway has: %s', (_where, query) => {
    expect(problemsOf(query, metrics)).toEqual([])
  })
})

describe('a planted mistake is found', () => {
  it.each([
    ['a wrong name', 'sum(sluice_trigger_lags)', 'no metric sluice_trigger_lags'],
    ['a missing unit', 'sluice_log_size > 1', 'no metric sluice_log_size'],
    ['a missing _total', 'rate(sluice_dead_letters[5m])', 'no metric sluice_dead_letters'],
    ['a wrong label', 'sluice_trigger_lag{topic="a"}', 'no label topic'],
    ['a wrong label to group by', 'sum by (topic) (sluice_trigger_lag)', 'has the label topic'],
    ['a bare histogram', 'rate(sluice_queue_delay_seconds[5m])', 'no metric sluice_queue_delay_seconds'],
    ['a suffix of a histogram behind a gauge', 'rate(sluice_trigger_lag_count[5m])', 'no metric sluice_trigger_lag_count'],
    ['buckets outside of a quantile', 'sum(rate(sluice_queue_delay_seconds_bucket[5m]))', 'takes buckets'],
    ['a quantile of sums', 'histogram_quantile(0.5, sum by (function) (rate(sluice_queue_delay_seconds_sum[5m])))', 'takes buckets'],
    ['a quantile without le', 'histogram_quantile(0.5, sum by (function) (rate(sluice_queue_delay_seconds_bucket[5m])))', 'le is not kept'],
    ['a rate of a gauge', 'rate(sluice_trigger_lag[5m])', 'is a gauge'],
    ['a counter as it is', 'sluice_dead_letters_total > 0', 'only grows'],
  ])('%s', (_what, query, problem) => {
    expect(problemsOf(query, metrics).join()).toContain(problem)
  }) // prettier-ignore

  it.each([
    'sum(sluice_trigger_lag',
    'sum(sluice_trigger_lag))',
    'rate(sluice_dead_letters_total[5])',
    'sluice_trigger_lag{trigger=a}',
    'sluice_trigger_lag{trigger="a"',
    'derivative(sluice_trigger_lag[5m])',
    'sluice_trigger_lag > ; 5',
    '1 + 1',
  ])('also what is no query: %s', query => {
    expect(() => namesIn(query)).toThrow()
  })
})

describe('the alerts', () => {
  const rules = alertRules()

  it('cover what somebody has to be woken for', () => {
    expect(rules.map(({ alert }) => alert)).toEqual(
      expect.arrayContaining([
        'SluiceDown', 'SluiceTriggerStopped', 'SluiceDeadLetterStoreNotWritable', 'SluiceOldestEventTooOld', 'SluiceLagGrows',
        'SluiceDeadLetters', 'SluicePausedForLong', 'SluicePoolQuarantined', 'SluiceLogAlmostFull', 'SluiceDiskReserve',
        'SluiceSyncSlow', 'SluiceEventLoopDelay',
      ]),
    ) // prettier-ignore
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  })

  it.each(rules.map(rule => [rule.alert, rule] as const))('%s says what it is, what it means and what to do', (_name, rule) => {
    expect(['critical', 'warning']).toContain(rule.labels['severity'])
    expect(Object.keys(rule.annotations).sort()).toEqual(['action', 'description', 'summary'])
    for (const text of Object.values(rule.annotations)) expect(text.length).toBeGreaterThan(15)
    if (rule.for !== undefined) expect(rule.for).toMatch(/^\d+[mh]$/)
  }) // prettier-ignore

  it.each(rules.map(rule => [rule.alert, rule] as const))('%s shows only labels that its series have', (_name, rule) => {
    const { selectors, grouping } = namesIn(rule.expr)
    const kept = ['instance', ...grouping]
    const own = metrics.filter(({ name }) => selectors.some(({ metric }) => metric === name)).flatMap(({ labels }) => labels)
    const shown = [...Object.values(rule.annotations).join().matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
    for (const label of shown) expect(grouping.length > 0 ? kept : [...kept, ...own]).toContain(label)
  }) // prettier-ignore

  it('tell only of commands that there are', async () => {
    const actions = rules.map(({ annotations }) => annotations['action']).join('\n')
    const named = [...actions.matchAll(/\bsluice ([a-z-]+)/g)].map(([, command]) => command)
    expect(named.length).toBeGreaterThan(10)
    const { out } = await startCli(['--help']).ended
    const commands = [...out.matchAll(/^ {2}([a-z-]+) /gm)].map(([, command]) => command)
    for (const command of named) expect(commands).toContain(command)
  })
})

describe('the dashboard', () => {
  const { panels, templating } = dashboard()

  it('has panels with a title and a description, none over another, within the width', () => {
    const taken = new Map<string, string>()
    for (const { title, type, description, gridPos } of panels) {
      if (type !== 'row') expect(description?.length, title).toBeGreaterThan(10)
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(taken.get(`${x}/${y}`), title).toBeUndefined()
          taken.set(`${x}/${y}`, title)
        }
    }
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  })

  it('uses only variables that it has, and labels in legends that their series keep', () => {
    const names = new Set(templating.list.map(({ name }) => name))
    for (const { title, targets = [] } of panels) {
      for (const { expr, legendFormat } of targets) {
        for (const [, name = ''] of expr.matchAll(/"\$(\w+)"/g)) expect(names, title).toContain(name)
        const { selectors, grouping } = namesIn(expr)
        const own = metrics.filter(({ name }) => selectors.some(({ metric }) => metric === name)).flatMap(({ labels }) => labels)
        for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g))
          expect(grouping.length > 0 ? grouping : ['instance', ...own], `${title}: ${legendFormat}`).toContain(label)
      }
    } // prettier-ignore
  })
})

it('docs/metrics.md is what `npm run docs:metrics` writes', async () => {
  expect(readFileSync('docs/metrics.md', 'utf8')).toBe(await metricsReference())
})
