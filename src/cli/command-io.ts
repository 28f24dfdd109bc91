/** What a command may touch of the process, so that tests can look at it. */
export interface CommandIo {
  out(text: string): void
  err(text: string): void
  readStdin(): Promise<Buffer>
  readonly environment: Readonly<Record<string, string | undefined>>
}

export function createProcessIo(): CommandIo {
  return {
    out: text => void process.stdout.write(text),
    err: text => void process.stderr.write(text),
    readStdin: async () => {
      const chunks: Buffer[] = []
      for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
      return Buffer.concat(chunks)
    },
    environment: process.env,
  }
}
