import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import type { MetricDescription } from '../../scripts/metrics-reference.ts'
import { namesIn } from './promql.ts'

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[]
}

export interface Dashboard {
  readonly panels: readonly Panel[]
  readonly annotations: { readonly list: readonly { readonly expr: string; readonly titleFormat: string }[] }
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
}

/** @throws {Error} for YAML that is not well formed. */
export function alertRules(): readonly AlertRule[] {
  const document = parseDocument(readFileSync('deploy/prometheus/alerts.yaml', 'utf8'), { strict: true })
  for (const problem of [...document.errors, ...document.warnings]) throw problem
  return (document.toJS() as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules)
}

export function dashboard(): Dashboard {
  return JSON.parse(readFileSync('deploy/grafana/sluice.json', 'utf8')) as Dashboard
}

/** All queries, by where they stand. */
export function allQueries(): readonly (readonly [where: string, query: string])[] {
  const { panels, annotations, templating } = dashboard()
  return [
    ...alertRules().map(({ alert, expr }) => [alert, expr] as const),
    ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const)),
    ...annotations.list.map(({ titleFormat, expr }) => [titleFormat, expr] as const),
  ].concat(
    templating.list.flatMap(({ name, definition }) => {
      // label_values(metric{…}, label) is Grafana's.
      const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? []
      return selector === '' ? [] : [[name, `sum by (${label}) (${selector})`] as const]
    }),
  )
}

/** What Prometheus adds to every series, and what it makes itself. */
const ofTheScrape: ReadonlySet<string> = new Set(['instance', 'job'])
const ofPrometheus: ReadonlySet<string> = new Set(['up'])

/** What is wrong with a query over these metrics; empty when nothing is. */
export function problemsOf(query: string, metrics: readonly MetricDescription[]): string[] {
  const problems: string[] = []
  const { selectors, grouping } = namesIn(query)
  const known = new Map<string, { readonly kind: MetricDescription['kind']; readonly labels: readonly string[] }>()
  for (const { name, kind, labels } of metrics) {
    if (kind !== 'histogram') known.set(name, { kind, labels })
    // Read bare, a histogram has no series.
    else {
      known.set(`${name}_bucket`, { kind, labels: [...labels, 'le'] })
      for (const suffix of ['_sum', '_count']) known.set(`${name}${suffix}`, { kind, labels })
    }
  }
  const groupable = new Set(ofTheScrape)
  for (const { metric, labels, within } of selectors) {
    const found = known.get(metric)
    if (found === undefined) {
      if (!ofPrometheus.has(metric)) problems.push(`there is no metric ${metric}`)
      continue
    }
    for (const label of found.labels) groupable.add(label)
    for (const label of labels)
      if (!found.labels.includes(label) && !ofTheScrape.has(label)) problems.push(`${metric} has no label ${label}`)
    const isRate = within[0] === 'rate' || within[0] === 'increase'
    if (isRate && found.kind === 'gauge') problems.push(`${metric} is a gauge: there is no ${within[0]} of it`)
    if (!isRate && found.kind !== 'gauge') problems.push(`${metric} only grows: take its rate or increase`)
    if (within.includes('histogram_quantile') !== metric.endsWith('_bucket') && found.kind === 'histogram')
      problems.push(`histogram_quantile takes buckets, and buckets are for it: ${metric}`)
  }
  for (const label of grouping) if (!groupable.has(label)) problems.push(`nothing in it has the label ${label}`)
  if (query.includes('histogram_quantile') && !grouping.includes('le'))
    problems.push('le is not kept for histogram_quantile')
  return problems
}
