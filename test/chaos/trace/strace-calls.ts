/** One system call as `strace -f -y -xx` told it. Steps count the lines: what began or ended on an earlier one was earlier. */
export interface TracedCall {
  readonly name: string
  readonly fd: number
  /** Of the file behind the descriptor; sockets have names such as `socket:[123]`. */
  readonly path: string
  /** Everything in quotes: what was written, or read. */
  readonly bytes: Buffer
  /** Arguments as they stand in the trace. */
  readonly args: string
  readonly began: number
  readonly ended: number
  /** -1 for an error. */
  readonly result: number
}

interface OpenCall {
  readonly text: string
  readonly began: number
}

const whole = /^(\d+) +(?:[\d.:]+ +)?(\w+)\((.*)\) += (-?\d+|\?)/
const unfinished = /^(\d+) +(?:[\d.:]+ +)?(\w+)\((.*)<unfinished \.\.\.>$/
const resumed = /^(\d+) +(?:[\d.:]+ +)?<\.\.\. (\w+) resumed>(.*)\) += (-?\d+|\?)/
const firstArgument = /^(\d+)<([^>]*)>/
const quoted = /"((?:\\x[0-9a-f]{2})*)"/g

/**
 * Calls in the order in which they ended. A call that another thread interrupted stands in two lines. strace handles one
 * stop of one thread at a time and prints before it lets the thread go on, so what a call caused is printed after it.
 */
export function* readCalls(lines: Iterable<string>): Generator<TracedCall> {
  const open = new Map<string, OpenCall>()
  let step = 0
  for (const line of lines) {
    step++
    const begun = unfinished.exec(line)
    if (begun !== null) {
      open.set(`${begun[1]} ${begun[2]}`, { text: begun[3]!, began: step })
      continue
    }
    const continued = resumed.exec(line)
    if (continued !== null) {
      const [, pid, name = '', rest = '', result = ''] = continued
      const first = open.get(`${pid} ${name}`)
      open.delete(`${pid} ${name}`)
      if (first !== undefined) yield callOf(name, first.text + rest, first.began, step, result)
      continue
    }
    const [, , name, args, result] = whole.exec(line) ?? []
    if (name !== undefined) yield callOf(name, args ?? '', step, step, result ?? '')
  }
}

function callOf(name: string, args: string, began: number, ended: number, result: string): TracedCall {
  const [, fd = '-1', path = ''] = firstArgument.exec(args) ?? []
  const parts = [...args.matchAll(quoted)].map(([, hex = '']) => Buffer.from(hex.replaceAll('\\x', ''), 'hex'))
  return {
    name,
    fd: Number(fd),
    path: textOf(path),
    bytes: Buffer.concat(parts),
    args,
    began,
    ended,
    result: Number(result),
  }
}

/** Paths are quoted like contents where strace quotes everything. */
function textOf(path: string): string {
  return path.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
