import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const exec = promisify(execFile)

export interface HttpRequest {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Answers other than 2xx and broken connections: a run with any is no measurement. */
  readonly failures: number
}

/** Whether wrk is installed; without it there is nothing fast enough to load a server on the other core. */
export async function hasWrk(): Promise<boolean> {
  try {
    await exec('wrk', ['--version'])
    return true
  } catch (error) {
    // It prints its version and exits with 1.
    return (error as { code?: unknown }).code !== 'ENOENT'
  }
}

/** Sends the same request over and over on `connections` keep-alive connections from one thread of its own process. */
export async function load(
  port: number,
  request: HttpRequest,
  connections: number,
  durationMs: number,
): Promise<LoadResult> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-bench-http-'))
  try {
    const script = join(directory, 'request.lua')
    await writeFile(script, luaScript(request))
    const seconds = Math.max(1, Math.round(durationMs / 1000))
    const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script]
    const { stdout } = await exec('wrk', [...args, `http://127.0.0.1:${port}${request.path}`])
    return parse(stdout)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

function luaScript({ headers, body }: HttpRequest): string {
  const lines = Object.entries(headers).map(
    ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
  )
  return ['wrk.method = "POST"', `wrk.body = ${JSON.stringify(body)}`, ...lines].join('\n')
}

function parse(output: string): LoadResult {
  const number = (pattern: RegExp): number => Number(pattern.exec(output)?.[1] ?? 0)
  const latency = (percent: string): number => {
    const match = new RegExp(`^\\s*${percent}%\\s+([0-9.]+)(us|ms|s)`, 'm').exec(output)
    if (match === null) return Number.NaN
    return Number(match[1]) * { us: 0.001, ms: 1, s: 1000 }[match[2] as 'us' | 'ms' | 's']
  }
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output)
  const broken = errors === null ? 0 : errors.slice(1).reduce((sum, count) => sum + Number(count), 0)
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([0-9.]+)/),
    p50Ms: latency('50'),
    p99Ms: latency('99'),
    failures: number(/Non-2xx or 3xx responses: (\d+)/) + broken,
  }
}

export interface BenchServer extends AsyncDisposable {
  readonly port: number
  readonly pid: number
  /** Marks the end of the warm-up: CPU time counts from here. */
  mark(): void
  /** Ends the server and gives what it says it has taken in all, and its CPU time since the mark. */
  stop(): Promise<{ readonly taken: number; readonly cpuUs: number }>
}

/** Starts a server script in a process of its own; it prints `listening <port>`, and `taken <count> cpu <µs>` on SIGTERM. */
export async function startServer(script: string, args: readonly string[] = []): Promise<BenchServer> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })
  const port = Number((await awaitLine(child, lines, /^listening (\d+)$/))[1])
  let stopping: ReturnType<BenchServer['stop']> | undefined
  const stop: BenchServer['stop'] = () => {
    stopping ??= (async () => {
      const line = awaitLine(child, lines, /^taken (\d+) cpu (\d+)$/)
      child.kill('SIGTERM')
      const [, taken, cpuUs] = (await line).map(Number) as [number, number, number]
      return { taken, cpuUs }
    })()
    return stopping
  }
  return {
    port,
    pid: child.pid ?? 0,
    mark: () => child.kill('SIGUSR2'),
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop().catch(() => child.kill('SIGKILL'))
    },
  }
}

function awaitLine(child: ChildProcess, lines: NodeJS.EventEmitter, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    lines.on('line', (line: string) => {
      const match = pattern.exec(line)
      if (match !== null) resolve(match)
    })
    child.once('exit', code => reject(new Error(`the server ended with ${code}`)))
  })
}
