import type { CommandIo, Terminal } from '../../src/cli/command-io.ts'
import { runCli } from '../../src/cli/run-cli.ts'

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CliOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Absent: output goes to a pipe. */
  readonly terminal?: Terminal
  readonly stdin?: string
  /** What somebody answers; absent: nobody sits there. */
  readonly answer?: string
}

/** A command that runs in this process. */
export interface RunningCli {
  readonly ended: Promise<CliResult>
  /** What was printed so far. */
  readonly out: string
  readonly err: string
  /** Resolves when a text was printed, on either output. */
  printed(text: string): Promise<void>
  /** Ctrl-C. */
  interrupt(): void
}

export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  let out = ''
  let err = ''
  const watchers = new Set<() => void>()
  const listeners = new Set<() => void>()
  const note = (): void => {
    for (const watch of watchers) watch()
  }
  const io: CommandIo = {
    out: text => {
      out += text
      note()
    },
    err: text => {
      err += text
      note()
    },
    readStdin: async () => Buffer.from(options.stdin ?? ''),
    environment: { ...options.environment },
    terminal: options.terminal,
    errTerminal: options.terminal,
    ask: async question => {
      io.err(question)
      return options.answer
    },
    onInterrupt: listener => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  const gateway = { run: async () => 0, loadFunctions: () => [] }
  const ended = runCli(args, io, gateway, '1.2.3').then(code => ({ code, out, err }))
  return {
    ended,
    get out() {
      return out
    },
    get err() {
      return err
    },
    printed: text =>
      new Promise((resolve, reject) => {
        const watch = () => {
          if (!`${out}\n${err}`.includes(text)) return
          watchers.delete(watch)
          resolve()
        }
        watchers.add(watch)
        watch()
        void ended.then(result => reject(new Error(`ended without printing '${text}': ${JSON.stringify(result)}`)))
      }),
    interrupt: () => {
      for (const listener of listeners) listener()
    },
  }
}

export const cli = (args: readonly string[], options?: CliOptions): Promise<CliResult> => startCli(args, options).ended
