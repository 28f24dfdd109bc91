import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { leashProcess } from './leash.ts'

export interface NodeScript {
  /** Path of the script; TypeScript runs as it is. */
  script: string
  args?: readonly string[]
  /** Added to the environment of the test; undefined removes a variable. */
  env?: Readonly<Record<string, string | undefined>>
  cwd?: string
  /** Options of node itself, such as `--max-old-space-size=64`. */
  nodeArgs?: readonly string[]
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface WaitForLineOptions {
  /** Looks only at lines from this index on (take it from `lines.length` before the action). Default 0. */
  fromIndex?: number
  timeoutMs?: number
}

/** Longest wait for a line before the test fails with what the process did print. */
const DEFAULT_TIMEOUT_MS = 30_000
/** How long `stop` waits after SIGTERM before it kills. */
const DEFAULT_GRACE_MS = 15_000
const LINES_IN_MESSAGE = 40

interface LineWaiter {
  pattern: RegExp
  found: (match: RegExpMatchArray) => void
  failed: (reason: string) => void
}

/** A Node process under test: everything it prints, its end, and signals to it. It never outlives the test process. */
export class NodeProcess {
  readonly pid: number
  /** Lines of standard output and standard error in order of arrival. */
  readonly lines: string[] = []
  readonly stdout: string[] = []
  readonly stderr: string[] = []
  /** Settles once the process has ended and all its output is in `lines`. Never rejects. */
  readonly exited: Promise<Exit>

  readonly #child: ChildProcessByStdio<null, Readable, Readable>
  readonly #waiters = new Set<LineWaiter>()
  #exit: Exit | undefined

  constructor(child: ChildProcessByStdio<null, Readable, Readable>) {
    if (child.pid === undefined) throw new Error('the process did not start')
    this.pid = child.pid
    this.#child = child
    const unleash = leashProcess(child.pid)
    createInterface({ input: child.stdout }).on('line', line => this.#take(line, this.stdout))
    createInterface({ input: child.stderr }).on('line', line => this.#take(line, this.stderr))
    this.exited = once(child, 'close').then(([code, signal]) => {
      unleash()
      this.#exit = { code, signal } as Exit
      for (const waiter of this.#waiters) waiter.failed(`the process ended first (${describeExit(this.#exit)})`)
      return this.#exit
    })
  }

  /** The end of the process, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  /** The first line that matches, printed already or still to come; rejects at the end of the process or after `timeoutMs`. */
  waitForLine(pattern: RegExp, options: WaitForLineOptions = {}): Promise<RegExpMatchArray> {
    const { fromIndex = 0, timeoutMs = DEFAULT_TIMEOUT_MS } = options
    for (const line of this.lines.slice(fromIndex)) {
      const match = line.match(pattern)
      if (match) return Promise.resolve(match)
    }
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#waiters.delete(waiter)
      }
      const waiter: LineWaiter = {
        pattern,
        found: match => {
          settle()
          resolve(match)
        },
        failed: reason => {
          settle()
          const printed = this.lines.slice(-LINES_IN_MESSAGE).join('\n')
          reject(new Error(`no line matches ${String(pattern)}: ${reason}; it printed:\n${printed}`))
        },
      }
      const timer = setTimeout(() => waiter.failed(`not within ${timeoutMs} ms`), timeoutMs)
      this.#waiters.add(waiter)
      if (this.#exit) waiter.failed(`the process has ended (${describeExit(this.#exit)})`)
    })
  }

  /** Sends a signal; false if the process has ended. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#child.kill(signal)
  }

  /** SIGKILL, and waits for the end. */
  async kill(): Promise<Exit> {
    this.signal('SIGKILL')
    return this.exited
  }

  /** SIGTERM, and SIGKILL if it has not ended after `graceMs`. */
  async stop(graceMs = DEFAULT_GRACE_MS): Promise<Exit> {
    this.signal('SIGTERM')
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs)
    try {
      return await this.exited
    } finally {
      clearTimeout(timer)
    }
  }

  #take(line: string, lines: string[]): void {
    lines.push(line)
    this.lines.push(line)
    for (const waiter of this.#waiters) {
      const match = line.match(waiter.pattern)
      if (match) waiter.found(match)
    }
  }
}

/** Starts a script with the very Node that runs the tests. */
export function startNodeScript(options: NodeScript): NodeProcess {
  const env: NodeJS.ProcessEnv = { ...process.env, ...options.env }
  // What the test runner tells its own forks must not change how the product behaves.
  for (const name of [
    'NODE_OPTIONS',
    'NODE_ENV',
    'VITEST',
    'VITEST_MODE',
    'VITEST_POOL_ID',
    'VITEST_WORKER_ID',
    'TEST',
  ]) {
    if (!(name in (options.env ?? {}))) delete env[name]
  }
  const child = spawn(process.execPath, [...(options.nodeArgs ?? []), options.script, ...(options.args ?? [])], {
    env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return new NodeProcess(child)
}

function describeExit({ code, signal }: Exit): string {
  return signal ? `signal ${signal}` : `exit code ${code}`
}
