import { colorsOf } from './colors.ts'
import type { CommandIo } from './command-io.ts'
import { plainText, truncate } from './terminal-text.ts'

/** Before that, people do not wonder. */
const quietMs = 1_000
const frameMs = 100
const frames = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'

/**
 * Says what is going on once it takes longer than a second: a line that moves on a terminal and goes when the work ends,
 * one plain line elsewhere. It goes to where errors go, so that results stay clean.
 */
export async function withProgress<Result>(io: CommandIo, doing: string, work: Promise<Result>): Promise<Result> {
  const { errTerminal } = io
  const startedAtMs = Date.now()
  let animation: NodeJS.Timeout | undefined
  const live = createLiveLine(io)
  const start = setTimeout(() => {
    if (errTerminal === undefined) return io.err(`${doing} …\n`)
    let frame = 0
    animation = setInterval(() => {
      const seconds = Math.floor((Date.now() - startedAtMs) / 1000)
      live.show(`${frames[frame++ % frames.length]} ${doing} … ${seconds} s`)
    }, frameMs)
  }, quietMs)
  try {
    return await work
  } finally {
    clearTimeout(start)
    clearInterval(animation)
    live.clear()
  }
}

/** One line at the end of a terminal that is written again and again. Elsewhere nothing is shown. */
export interface LiveLine {
  show(text: string): void
  /** Takes the line away, for what stays; `show` brings it back. */
  clear(): void
}

export function createLiveLine(io: CommandIo): LiveLine {
  const { errTerminal } = io
  if (errTerminal === undefined) return { show: () => undefined, clear: () => undefined }
  const colors = colorsOf(errTerminal)
  let isShown = false
  return {
    show: text => {
      // A line that wraps could not be taken back.
      io.err(`\r\u001b[2K${colors.dim(truncate(plainText(text), errTerminal.columns - 1))}`)
      isShown = true
    },
    clear: () => {
      if (isShown) io.err('\r\u001b[2K')
      isShown = false
    },
  }
}
