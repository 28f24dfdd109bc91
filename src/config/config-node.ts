import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml'
import type { ConfigProblem } from './config-problem.ts'
import { interpolate } from './interpolate.ts'

/** A value of the file with the place where it stands. Names are kept in Maps, so that `__proto__` is a name like any other. */
export type ConfigNode = MapNode | ListNode | ScalarNode

interface Placed {
  readonly line: number
  readonly column: number
}

export interface MapNode extends Placed {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, { readonly key: Placed; readonly value: ConfigNode }>
}

export interface ListNode extends Placed {
  readonly kind: 'list'
  readonly items: readonly ConfigNode[]
}

export interface ScalarNode extends Placed {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** The text came (partly) from `${…}`: it may become the number or boolean that its place asks for. */
  readonly interpolated: boolean
}

/** Far above any real file; aliases of aliases must not fill the memory. */
const maxNodes = 100_000

/**
 * Reads YAML 1.2 (core schema) into nodes with positions and replaces `${…}` in its scalars.
 * Everything that is wrong is added to `problems`; the result is undefined only when nothing can be read at all.
 */
export function readConfigNode(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
  problems: ConfigProblem[],
): ConfigNode | undefined {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter, prettyErrors: false, version: '1.2', schema: 'core' })
  const reader = new NodeReader(document, lineCounter, environment, problems)
  for (const error of document.errors) {
    const line = text.split('\n')[lineCounter.linePos(error.pos[0]).line - 1] ?? ''
    const hint = /[{,[].*\$\{/.test(line) ? '; inside { } and [ ] a value with ${…} needs quotes' : ''
    reader.report(error.pos[0], '', `this is not valid YAML: ${error.message}${hint}`)
  }
  if (document.errors.length > 0 && !document.errors.every(error => error.code === 'DUPLICATE_KEY')) return undefined
  if (document.contents === null) return { kind: 'map', line: 1, column: 1, entries: new Map() }
  return reader.read(document.contents as Node, '')
}

/** One pass over the document. */
class NodeReader {
  readonly #document: Document
  readonly #lineCounter: LineCounter
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #problems: ConfigProblem[]
  readonly #open = new Set<unknown>()
  #nodes = 0

  constructor(
    document: Document,
    lineCounter: LineCounter,
    environment: Readonly<Record<string, string | undefined>>,
    problems: ConfigProblem[],
  ) {
    this.#document = document
    this.#lineCounter = lineCounter
    this.#environment = environment
    this.#problems = problems
  }

  report(offset: number, path: string, message: string): void {
    this.#problems.push({ ...this.#place(offset), path, message })
  }

  read(node: Node, path: string): ConfigNode {
    const offset = node.range?.[0] ?? 0
    const place = this.#place(offset)
    const nothing: ScalarNode = { kind: 'scalar', value: null, interpolated: false, ...place }
    if (++this.#nodes > maxNodes) {
      if (this.#nodes === maxNodes + 1) this.report(offset, path, `the file has more than ${maxNodes} values`)
      return nothing
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document)
      if (target === undefined || this.#open.has(target)) {
        this.report(
          offset,
          path,
          `the alias *${node.source} ${target === undefined ? 'has no anchor' : 'contains itself'}`,
        )
        return nothing
      }
      return { ...this.read(target, path), ...place }
    }
    this.#open.add(node)
    try {
      if (isScalar(node)) return this.#readScalar(node.value, offset, path)
      if (isSeq(node)) {
        const items = node.items.map((item, index) => this.read(item as Node, `${path}[${index}]`))
        return { kind: 'list', items, ...place }
      }
      if (isMap(node)) return { kind: 'map', entries: this.#readEntries(node.items, path), ...place }
      return nothing
    } finally {
      this.#open.delete(node)
    }
  }

  #readEntries(items: readonly { key: unknown; value: unknown }[], path: string): MapNode['entries'] {
    const entries = new Map<string, { key: Placed; value: ConfigNode }>()
    for (const item of items) {
      const keyOffset = (item.key as Node | null)?.range?.[0] ?? 0
      if (!isScalar(item.key) || item.key.value === null) {
        this.report(keyOffset, path, 'a name must be a plain text')
        continue
      }
      const name = String(item.key.value)
      const key = this.#place(keyOffset)
      const value: ConfigNode =
        item.value === null
          ? { kind: 'scalar', value: null, interpolated: false, ...key }
          : this.read(item.value as Node, joinPath(path, name))
      entries.set(name, { key, value })
    }
    return entries
  }

  #readScalar(value: unknown, offset: number, path: string): ScalarNode {
    const place = this.#place(offset)
    if (typeof value !== 'string') {
      const known = typeof value === 'number' || typeof value === 'boolean' ? value : null
      return { kind: 'scalar', value: known, interpolated: false, ...place }
    }
    const result = interpolate(value, this.#environment)
    for (const name of result.missing) {
      const hint = `set it, or give a default: \${${name}:-…}`
      this.report(offset, path, `the environment variable ${name} is not set; ${hint}`)
    }
    if (result.malformed !== undefined) {
      this.report(
        offset,
        path,
        `'${result.malformed}' is neither \${NAME} nor \${NAME:-default}; write $\${ for a literal \${`,
      )
    }
    return { kind: 'scalar', value: result.text, interpolated: result.replaced, ...place }
  }

  #place(offset: number): Placed {
    const { line, col } = this.#lineCounter.linePos(offset)
    return { line, column: col }
  }
}

/** `a.b`, with names that would be misread in quotes. */
export function joinPath(path: string, name: string): string {
  const shown = /^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name)
  return path === '' ? shown : `${path}.${shown}`
}

/** The place of a path, or of the nearest thing above it that stands in the file. */
export function placeOf(root: ConfigNode, path: readonly (string | number)[]): Placed {
  let node = root
  let place: Placed = root
  for (const step of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(step))
      if (entry === undefined) break
      place = entry.value.kind === 'scalar' ? entry.value : entry.key
      node = entry.value
    } else if (node.kind === 'list') {
      const item = node.items[Number(step)]
      if (item === undefined) break
      place = item
      node = item
    } else break
  }
  return { line: place.line, column: place.column }
}
