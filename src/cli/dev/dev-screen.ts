import type { LogLineView } from '../../api/views/log-view.ts'
import type { DeadLetterView } from '../../api/views/dead-letter-view.ts'
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
  built(bundle: Bundle): void
  running(): void
  line(line: LogLineView): void
  /** An event that the handler failed on. */
  failed(letter: DeadLetterView): void
  status(trigger: TriggerView): void
  /** What is shown from now on stays. */
  end(): void
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
    built: ({ hash, moduleBytes, sources }) =>
      above(() => {
        const what = `${shortHash(hash)}, ${formatBytes(moduleBytes)} of ${countOf(sources, 'source')}`
        io.err(`${clock()} ${colors.green('deployed')} ${what}\n`)
      }),
    running: () => above(() => io.err(`${introduction}\n`)),
    line: line => above(() => io.out(formatLogLine(line, io.terminal, { ids: false }))),
    failed: letter =>
      above(() => {
        const { id, createdAtMs, key, event, message, reason } = letter
        const text = `${reason}: ${message}\nevent ${String(event.id)}, key ${key}, at ${placeOf(letter)}`
        const line = {
          id,
          atMs: createdAtMs,
          function: '',
          version: 'latest',
          kind: 'console',
          level: 'error',
        } as const
        io.out(formatLogLine({ ...line, message: text }, io.terminal, { ids: false }))
      }),
    status: ({ state, succeeded, failed, lag, inFlight }) => {
      const counts = `${succeeded} done, ${failed} failed, ${inFlight} running, ${lag ?? '?'} waiting`
      status = `${state === 'running' ? '' : `${state}: `}${counts} · Ctrl-C ends`
      live.show(status)
    },
    end: () => {
      live.clear()
      status = ''
    },
    note: text => above(() => io.err(`${clock()} ${text}\n`)),
    problem: (text, outcome) =>
      above(() => io.err(`${clock()} ${colors.red('not deployed')}: ${text}\n${colors.dim(outcome)}\n`)),
  }
}

const placeOf = ({ stream, partition, offset }: DeadLetterView): string => `${stream}/${partition}/${offset}`
