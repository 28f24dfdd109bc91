/** What a PromQL expression names; enough of the language for dashboards and alerts, and strict about the rest. */
export interface NamedInQuery {
  /** Each metric with the labels that its selector asks for, and the functions around it, the innermost first. */
  readonly selectors: readonly Selector[]
  /** Labels in by, without, on, ignoring, group_left and group_right. */
  readonly grouping: readonly string[]
}

export interface Selector {
  readonly metric: string
  readonly labels: readonly string[]
  readonly within: readonly string[]
}

const functions = new Set([
  'absent', 'avg_over_time', 'changes', 'clamp_min', 'deriv', 'histogram_quantile', 'increase', 'label_values',
  'max_over_time', 'min_over_time', 'predict_linear', 'rate', 'resets', 'time', 'vector',
]) // prettier-ignore
const aggregations = new Set(['avg', 'count', 'max', 'min', 'sum', 'topk'])
const listKeywords = new Set(['by', 'group_left', 'group_right', 'ignoring', 'on', 'without'])
const operators = new Set(['and', 'bool', 'or', 'unless'])

const token = /\s+|"(?:[^"\\]|\\.)*"|\$?[a-zA-Z_:][a-zA-Z0-9_:]*|\d+(?:\.\d+)?(?:ms|[smhdwy])?|[=!<>]=|=~|!~|[-+*/%^()[\]{},<>=]/y // prettier-ignore

/** @throws {Error} for what is not understood, or not closed. */
export function namesIn(query: string): NamedInQuery {
  const tokens = tokensOf(query)
  const selectors: Selector[] = []
  const grouping: string[] = []
  /** Names before the open parentheses; '' for a plain one. */
  const open: string[] = []
  for (let at = 0; at < tokens.length; at++) {
    const text = tokens[at]!
    const next = tokens[at + 1]
    if (text === '(') {
      open.push('')
    } else if (text === ')') {
      if (open.pop() === undefined) throw new Error(`a parenthesis too many: ${query}`)
    } else if (text === '[') {
      if (!/^(?:\d+[smhdwy]|\$__rate_interval)$/.test(next ?? '') || tokens[at + 2] !== ']')
        throw new Error(`no range: ${query}`)
      at += 2
    } else if (listKeywords.has(text)) {
      const list = listAfter(tokens, at + 1, query)
      grouping.push(...list.names)
      at = list.end
    } else if (/^[a-zA-Z_:]/.test(text) && !operators.has(text)) {
      if (functions.has(text) || aggregations.has(text)) {
        if (next === '(') {
          open.push(text)
          at++
        } else if (!aggregations.has(text) || !listKeywords.has(next ?? ''))
          throw new Error(`${text} is not called: ${query}`)
        else {
          const list = listAfter(tokens, at + 2, query)
          grouping.push(...list.names)
          if (tokens[list.end + 1] !== '(') throw new Error(`${text} is not called: ${query}`)
          open.push(text)
          at = list.end + 1
        }
        continue
      }
      if (next === '(') throw new Error(`${text} is no function that is known: ${query}`)
      const within = open.filter(name => name !== '').reverse()
      if (next !== '{') {
        selectors.push({ metric: text, labels: [], within })
        continue
      }
      const matchers = matchersAfter(tokens, at + 2, query)
      selectors.push({ metric: text, labels: matchers.labels, within })
      at = matchers.end
    } else if (text === '{' || text === '}' || text === ']') throw new Error(`${text} out of place: ${query}`)
  }
  if (open.length > 0) throw new Error(`a parenthesis is not closed: ${query}`)
  if (selectors.length === 0) throw new Error(`no metric: ${query}`)
  return { selectors, grouping }
}

function tokensOf(query: string): string[] {
  const tokens: string[] = []
  for (let at = 0; at < query.length; at = token.lastIndex) {
    token.lastIndex = at
    const [text] = token.exec(query) ?? []
    if (text === undefined) throw new Error(`not understood from ${JSON.stringify(query.slice(at))} on`)
    if (text.trim() !== '') tokens.push(text)
  }
  return tokens
}

/** The names in `(a, b)`. */
function listAfter(tokens: readonly string[], from: number, query: string): { names: string[]; end: number } {
  const end = tokens.indexOf(')', from)
  if (tokens[from] !== '(' || end < 0) throw new Error(`no list of labels: ${query}`)
  return { names: tokens.slice(from + 1, end).filter(text => text !== ','), end }
}

/** The labels of `a="b",c=~"d"}`. */
function matchersAfter(tokens: readonly string[], from: number, query: string): { labels: string[]; end: number } {
  const labels: string[] = []
  let at = from
  while (tokens[at] !== '}') {
    const [label = '', operator = '', value = ''] = tokens.slice(at, at + 3)
    if (!/^[a-z_]+$/.test(label) || !['=', '!=', '=~', '!~'].includes(operator) || !value.startsWith('"'))
      throw new Error(`no matcher ${label}${operator}${value}: ${query}`)
    labels.push(label)
    at += 3
    if (tokens[at] === ',') at++
    else if (tokens[at] !== '}') throw new Error(`matchers are not closed: ${query}`)
  }
  return { labels, end: at }
}
