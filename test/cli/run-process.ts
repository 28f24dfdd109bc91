import { spawn, type ChildProcessByStdio } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

export interface ProcessResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningProcess {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>
  readonly ended: Promise<ProcessResult>
  /** Resolves when standard output has the text. */
  printed(text: string): Promise<void>
}

/** Runs a script with the Node of this process, in the repository's root. */
export function startProcess(
  script: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): RunningProcess {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
  })
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const watch of watchers) watch()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<ProcessResult>(resolve => child.on('close', code => resolve({ code, stdout, stderr })))
  return {
    child,
    ended,
    printed: text =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (!stdout.includes(text)) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
        void ended.then(result => reject(new Error(`ended without printing '${text}': ${JSON.stringify(result)}`)))
      }),
  }
}

export async function runProcess(
  script: string,
  args: readonly string[],
  environment?: Record<string, string>,
  input = '',
) {
  const running = startProcess(script, args, environment)
  running.child.stdin.end(input)
  return running.ended
}
