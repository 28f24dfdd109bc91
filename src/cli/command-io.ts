import { createInterface } from 'node:readline/promises'

/** What a command may touch of the process, so that tests can look at it. */
export interface CommandIo {
  out(text: string): void
  err(text: string): void
  readStdin(): Promise<Buffer>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Where results go; undefined: a file or a pipe, which takes everything at full width and without colours. */
  readonly terminal: Terminal | undefined
  /** The same of errors and progress. */
  readonly errTerminal: Terminal | undefined
  /** Puts a question to a person and resolves with the answer; undefined when nobody sits there, or at end of input. */
  ask(question: string): Promise<string | undefined>
  /**
   * Calls back once, at the first Ctrl-C (SIGINT, SIGTERM or SIGHUP); a second one ends the process at once. Returns how
   * to give the signals back.
   */
  onInterrupt(listener: () => void): () => void
}

export interface Terminal {
  /** Characters of a line, now. */
  readonly columns: number
  readonly colors: boolean
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export function createProcessIo(): CommandIo {
  const terminalOf = (stream: NodeJS.WriteStream): Terminal | undefined =>
    stream.isTTY
      ? {
          get columns() {
            return stream.columns > 0 ? stream.columns : 80
          },
          // https://no-color.org: set and not empty.
          colors: !process.env.NO_COLOR && process.env.TERM !== 'dumb',
        }
      : undefined
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    readStdin: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
      return Buffer.concat(chunks)
    },
    environment: process.env,
    terminal: terminalOf(process.stdout),
    errTerminal: terminalOf(process.stderr),
    ask: async question => {
      if (!process.stdin.isTTY) return undefined
      const readline = createInterface({ input: process.stdin, output: process.stderr })
      try {
        const closed = new Promise<undefined>(resolve => readline.once('close', () => resolve(undefined)))
        return await Promise.race([readline.question(question), closed])
      } finally {
        readline.close()
      }
    },
    onInterrupt: listener => {
      let interrupted = false
      const onSignal = () => {
        if (interrupted) process.exit(130)
        interrupted = true
        listener()
      }
      for (const signal of signals) process.on(signal, onSignal)
      return () => {
        for (const signal of signals) process.off(signal, onSignal)
      }
    },
  }
}
