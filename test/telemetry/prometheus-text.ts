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

const labelName = '[a-zA-Z_][a-zA-Z0-9_]*'
const labelValue = String.raw`"((?:[^"\\\n]|\\["\\n])*)"`
const sampleLine = new RegExp(
  `^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\\{((?:${labelName}=${labelValue.replaceAll('(', '(?:').replaceAll('(?:?:', '(?:')},?)*)\\})? (\\S+)$`,
)

/** Reads the text exposition format 0.0.4 strictly; throws for any line that is not of it, and for a series that is there twice. */
export function parsePrometheusText(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line must end with a line feed')
  const families = new Map<string, Family>()
  const series = new Set<string>()
  let current: { name: string; family: Family } | undefined
  let help: { name: string; text: string } | undefined
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue
    const comment = /^# (HELP|TYPE|UNIT) (\S+) (.*)$/.exec(line)
    if (comment !== null) {
      const [, what, name, rest] = comment as unknown as [string, string, string, string]
      if (what === 'HELP') help = { name, text: unescape(rest) }
      if (what !== 'TYPE') continue
      if (families.has(name)) throw new Error(`${name} is there twice`)
      if (help?.name !== name) throw new Error(`${name} has no help`)
      current = { name, family: { type: rest, help: help.text, samples: [] } }
      families.set(name, current.family)
      continue
    }
    const match = sampleLine.exec(line)
    if (match === null) throw new Error(`no line of the format: ${line}`)
    const [, name, labelText = '', valueText] = match as unknown as [string, string, string | undefined, string]
    const base = current?.family.type === 'histogram' ? name.replace(/_(bucket|sum|count)$/, '') : name
    if (base !== current?.name) throw new Error(`${name} is not below its TYPE`)
    const labels: Record<string, string> = {}
    for (const [, label, value] of labelText.matchAll(new RegExp(`(${labelName})=${labelValue}`, 'g')))
      labels[label!] = unescape(value!)
    const key = `${name}${JSON.stringify(Object.entries(labels).sort())}`
    if (series.has(key)) throw new Error(`a series is there twice: ${key}`)
    series.add(key)
    const value = valueText === '+Inf' ? Infinity : Number(valueText)
    if (Number.isNaN(value)) throw new Error(`no number: ${line}`)
    current.family.samples.push({ name, labels, value })
  }
  return families
}

function unescape(text: string): string {
  return text.replace(/\\(["\\n])/g, (_, character: string) => (character === 'n' ? '\n' : character))
}
