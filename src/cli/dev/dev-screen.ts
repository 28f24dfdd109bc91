import type { LogLineView } from '../../api/views/log-view.ts'
import type { TriggerView } from '../../api/views/trigger-view.ts'
import type { Bundle } from '../bundle/bundle-function.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { formatLogLine } from '../format-log-line.ts'
import { countOf, formatBytes } from '../format-quantity.ts'
import { createLiveLine } from '../progress.ts'
import { shortHash } from '../plan/format-change.ts'

/** What `sluice dev` shows: the function's lines on standard output, everything else on standard error. */
export interface DevScreen {
  /** Whether {@link status} is seen. */
  readonly isLive: boolean
  built(bundle: Bundle): void
  running(): void
  line(line: LogLineView): void
  status(trigger: TriggerView): void
  note(text: string): void
  problem(text: string, outcome: string): void
}

/** @param introduction what is said once it runs. */
export function createDevScreen(io: CommandIo, introduction: string): DevScreen {
  const live = createLiveLine(io)
  const colors = colorsOf(io.errTerminal)
  let status = ''
  const above = (print: () => void): void => {
    live.clear()
    print()
    if (status !== '') live.show(status)
  }
  const clock = (): string => colors.dim(new Date().toTimeString().slice(0, 8))
  return {
    isLive: io.errTerminal !== undefined,
    built: ({ hash, moduleBytes, sources }) =>
      above(() => {
        const what = `${shortHash(hash)}, ${formatBytes(moduleBytes)} of ${countOf(sources, 'source')}`
        io.err(`${clock()} ${colors.green('deployed')} ${what}\n`)
      }),
    running: () => above(() => io.err(`${introduction}\n`)),
    line: line => above(() => io.out(formatLogLine(line, io.terminal, { ids: false }))),
    status: ({ state, succeeded, failed, deadLetters, lag, inFlight }) => {
      const waiting = lag === null ? '? waiting' : `${lag} waiting`
      const letters = deadLetters === 0 ? '' : `, ${countOf(deadLetters, 'dead letter')}`
      status = `${state}: ${succeeded} done, ${failed} failed, ${inFlight} running, ${waiting}${letters} · Ctrl-C ends`
      live.show(status)
    },
    note: text => above(() => io.err(`${clock()} ${text}\n`)),
    problem: (text, outcome) =>
      above(() => io.err(`${clock()} ${colors.red('not deployed')}: ${text}\n${colors.dim(outcome)}\n`)),
  }
}
