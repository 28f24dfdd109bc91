export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  type: string
  help: string
  samples: Sample[]
}

const types = new Set(['counter', 'gauge', 'histogram'])
const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const number = /^(?:[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|[+-]Inf|NaN)$/

/**
 * Reads the text exposition format 0.0.4 by the letter, and what Prometheus and OpenMetrics ask for beyond it. Throws for
 * anything that is not of it: a line without its form, a family without help or type, twice or in pieces, a series twice, a
 * counter that is negative or not called one, a histogram whose buckets do not add up.
 */
export function parsePrometheusText(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed')
  if (text.includes('\r')) throw new Error('lines end with a line feed alone')
  const families = new Map<string, Family>()
  const series = new Set<string>()
  let current: { name: string; family: Family } | undefined
  let help: { name: string; text: string } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') throw new Error('there is an empty line')
    if (line.startsWith('#')) {
      const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? fail(`no comment that means something: ${line}`) // prettier-ignore
      if (!metricName.test(name)) fail(`no name: ${line}`)
      if (what === 'HELP') {
        if (help !== undefined) fail(`${help.name} has help and no type`)
        help = { name, text: unescape(rest, 'help') }
        continue
      }
      if (families.has(name)) fail(`${name} is there twice, or in pieces`)
      if (help?.name !== name) fail(`${name} has no help right before its type`)
      if (!types.has(rest)) fail(`${name} is of no type: ${rest}`)
      if ((rest === 'counter') !== name.endsWith('_total')) fail(`${name} is a ${rest}: only counters end in _total`)
      current = { name, family: { type: rest, help: help!.text, samples: [] } }
      families.set(name, current.family)
      help = undefined
      continue
    }
    if (help !== undefined) fail(`${help.name} has help and no type`)
    const { name, labels, value } = sampleOf(line)
    const { family } = current ?? fail(`${name} stands before any TYPE`)
    const base = family.type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name
    if (base !== current?.name || (family.type === 'histogram' && base === name)) fail(`${name} is not below its TYPE`)
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`
    if (series.has(key)) fail(`a series is there twice: ${key}`)
    series.add(key)
    if (family.type === 'counter' && !(value >= 0)) fail(`a counter is below 0 or no number: ${line}`)
    family.samples.push({ name, labels, value })
  }
  if (help !== undefined) fail(`${help.name} has help and no type`)
  for (const [name, family] of families) {
    if (family.samples.length === 0) fail(`${name} has no series`)
    if (family.type === 'histogram') checkHistogram(name, family)
    else if (family.samples.some(({ labels }) => 'le' in labels)) fail(`${name} is no histogram and has le`)
  }
  return families
}

function sampleOf(line: string): Sample {
  const [name = ''] = /^[^{ ]+/.exec(line) ?? fail(`no line of the format: ${line}`)
  if (!metricName.test(name)) fail(`no name: ${line}`)
  const labels: Record<string, string> = {}
  let at = name.length
  if (line[at] === '{') {
    const pair = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(,|\})/y
    pair.lastIndex = at + 1
    for (let end = ''; end !== '}';) {
      const [, label = '', value = '', next = ''] = pair.exec(line) ?? fail(`labels are broken: ${line}`)
      if (label.startsWith('__')) fail(`labels with __ belong to Prometheus: ${line}`)
      if (label in labels) fail(`a label is there twice: ${line}`)
      labels[label] = unescape(value, 'label')
      end = next
      at = pair.lastIndex
    }
  }
  if (line[at] !== ' ') fail(`no line of the format: ${line}`)
  const text = line.slice(at + 1)
  if (!number.test(text)) fail(`no number: ${line}`)
  return { name, labels, value: text.endsWith('Inf') ? Number(text.replace('Inf', 'Infinity')) : Number(text) }
}

/** Of each series: bounds that grow up to +Inf, counts that never fall, the last of them the count, and a sum. */
function checkHistogram(name: string, { samples }: Family): void {
  const groups = new Map<string, { bounds: number[]; counts: number[]; sum?: number; count?: number }>()
  for (const { name: sample, labels, value } of samples) {
    const { le, ...rest } = labels
    const key = JSON.stringify(Object.entries(rest).sort())
    const group = groups.get(key) ?? { bounds: [], counts: [] }
    groups.set(key, group)
    if (sample === `${name}_bucket`) {
      group.bounds.push(le === '+Inf' ? Infinity : number.test(le ?? '') ? Number(le) : fail(`${name}: le is ${le}`))
      group.counts.push(value)
    } else if (le !== undefined) fail(`${sample} has le`)
    else if (sample === `${name}_sum`) group.sum = value
    else group.count = value
  }
  for (const [key, { bounds, counts, sum, count }] of groups) {
    if (bounds.at(-1) !== Infinity) fail(`${name}${key} has no bucket for +Inf`)
    if (sum === undefined || count === undefined) fail(`${name}${key} has no sum or no count`)
    if (counts.at(-1) !== count) fail(`${name}${key}: the last bucket is not the count`)
    for (let index = 1; index < bounds.length; index++) {
      if (!(bounds[index]! > bounds[index - 1]!)) fail(`${name}${key}: the bounds do not grow`)
      if (counts[index]! < counts[index - 1]!) fail(`${name}${key}: a bucket holds less than the one before`)
    }
  }
}

function unescape(text: string, where: 'help' | 'label'): string {
  const escapes = where === 'help' ? /\\(.?)/g : /\\(.)/g
  return text.replace(escapes, (_, character: string) => {
    if (character === 'n') return '\n'
    if (character === '\\' || (character === '"' && where === 'label')) return character
    return fail(`\\${character} is no escape: ${text}`)
  })
}

function fail(problem: string): never {
  throw new Error(problem)
}
