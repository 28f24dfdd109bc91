import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { LogLineView } from '../../api/views/log-view.ts'
import { exactTime } from '../format.ts'
import { apiPath, problemFrom, send } from '../gateway/client.ts'
import { Section } from '../parts/states.tsx'
import { href } from '../router.ts'
import { toneOf } from '../parts/badge.tsx'

/** Lines that are shown; older ones are in the API and the CLI. */
const keptLines = 300

/** After the connection broke. */
const retryMs = 2_000

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const

/** Log lines as they come, searchable. */
export function FunctionLogs({ name }: { readonly name: string }) {
  const level = useSignal<string>('info')
  const text = useSignal('')
  const lines = useSignal<readonly LogLineView[]>([])
  const failure = useSignal('')
  const round = useSignal(0)

  useEffect(() => {
    const controller = new AbortController()
    let retry: ReturnType<typeof setTimeout> | undefined
    const query = new URLSearchParams({
      follow: 'true',
      limit: '100',
      level: level.value,
      ...(text.value === '' ? {} : { text: text.value }),
    })
    const follow = async (): Promise<void> => {
      const response = await send(`${apiPath('functions', name, 'logs')}?${query}`, { signal: controller.signal })
      if (!response.ok || response.body === null)
        throw problemFrom(response.status, await response.json().catch(() => undefined))
      lines.value = []
      failure.value = ''
      await readLines(response.body, batch => {
        lines.value = [...lines.value, ...batch].slice(-keptLines)
      })
      throw new Error('The gateway ended the connection.')
    }
    follow().catch((error: unknown) => {
      if (controller.signal.aborted) return
      failure.value = error instanceof Error ? error.message : String(error)
      retry = setTimeout(() => round.value++, retryMs)
    })
    return () => {
      controller.abort()
      clearTimeout(retry)
    }
  }, [name, level.value, text.value, round.value])

  const shown = lines.value
  return (
    <Section
      title="Logs"
      actions={
        <>
          <select
            aria-label="Least level"
            value={level.value}
            onChange={event => (level.value = event.currentTarget.value)}
          >
            {levels.map(one => (
              <option key={one}>{one}</option>
            ))}
          </select>
          <input
            type="search"
            placeholder="Search"
            aria-label="Search logs"
            maxLength={200}
            onChange={event => (text.value = event.currentTarget.value.trim())}
          />
        </>
      }
    >
      {failure.value !== '' && (
        <p class="failure" role="alert">
          {failure.value}
        </p>
      )}
      {shown.length === 0 ? (
        <p class="empty">No line yet. What the function writes with console or context.log appears here.</p>
      ) : (
        <ol class="logs" aria-label={`Log of ${name}, newest first`} tabIndex={0}>
          {shown.toReversed().map((line, index) => (
            <li key={line.id ?? `new ${index}`} class={toneOf(line.level)}>
              <time>{exactTime(line.atMs)}</time>
              <span class="level">{line.level}</span>
              <span class="message">
                {line.message}
                {line.fields !== undefined && <span class="muted"> {JSON.stringify(line.fields)}</span>}
              </span>
              {line.traceId !== undefined && <a href={href('events', [], { q: line.traceId })}>trace</a>}
            </li>
          ))}
        </ol>
      )}
    </Section>
  )
}

/** Lines of JSON as they come, those of one chunk together. */
async function readLines(body: ReadableStream<Uint8Array>, onLines: (lines: LogLineView[]) => void): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const parts = (rest + value).split('\n')
    rest = parts.pop() ?? ''
    const lines = parts.filter(part => part !== '').map(part => JSON.parse(part) as LogLineView)
    if (lines.length > 0) onLines(lines.filter(line => 'message' in line))
  }
}
