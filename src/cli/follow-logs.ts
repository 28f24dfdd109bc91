import { setTimeout as sleep } from 'node:timers/promises'
import type { LogLineView } from '../api/views/log-view.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { apiPath, type ApiClient, type ApiQuery } from './api-client.ts'

export interface FollowOptions {
  readonly signal: AbortSignal
  readonly onLine: (line: LogLineView) => void
  /** The connection is gone, for this reason; it is tried again and again. */
  readonly onLost?: (reason: string) => void
  readonly onBack?: () => void
  /** Before the first try to connect again; doubles up to 10 s. Default 250. */
  readonly retryMs?: number
}

const longestRetryMs = 10_000

/**
 * The log of a function, line after line, until the signal. Where the connection breaks it goes on behind the last line
 * that came, so that none is missing and none comes twice.
 * @throws what the first request throws, and whatever the gateway refuses later (the function is deleted).
 */
export async function followLogs(
  client: ApiClient,
  functionName: string,
  query: ApiQuery,
  options: FollowOptions,
): Promise<void> {
  const { signal, onLine, onLost, onBack, retryMs = 250 } = options
  const path = apiPath('functions', functionName, 'logs')
  // Without a line there is none to go on behind; then all that come are new.
  let lastId = typeof query.after === 'number' ? query.after : undefined
  let isFirst = true
  let isLost = false
  let delayMs = retryMs
  while (!signal.aborted) {
    const from = isFirst ? {} : { after: lastId ?? 0, limit: 1000 }
    const onOpen = (): void => {
      isFirst = false
      delayMs = retryMs
      if (isLost) onBack?.()
      isLost = false
    }
    let reason = 'the gateway closed the connection'
    try {
      const lines = client.lines<LogLineView | Problem>(path, { ...query, ...from, follow: true }, signal, onOpen)
      for await (const line of lines) {
        if ('detail' in line) reason = line.detail
        else if (line.id === null || lastId === undefined || line.id > lastId) {
          lastId = line.id ?? lastId
          onLine(line)
        }
      }
    } catch (error) {
      if (isFirst || (error instanceof SluiceError && error.code === 'SLUICE_CLI_REFUSED')) throw error
      reason = messageOf(error)
    }
    if (signal.aborted) return
    if (!isLost) onLost?.(reason)
    isLost = true
    await sleep(delayMs, undefined, { signal }).catch(() => undefined)
    delayMs = Math.min(delayMs * 2, longestRetryMs)
  }
}

/** How the gateway ends a stream that it cannot go on with. */
interface Problem {
  readonly code: string
  readonly detail: string
}
