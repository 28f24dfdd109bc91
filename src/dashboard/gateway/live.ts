import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { ask, needsToken, Problem, problemFrom, send, token } from './client.ts'

/** What is known of an answer that is watched. */
export type Live<View> =
  | { readonly state: 'loading' }
  | { readonly state: 'ready'; readonly view: View; readonly atMs: number }
  | { readonly state: 'failed'; readonly problem: Problem }

/**
 *   connecting ──all told once──▶ live ──it breaks──▶ lost ──after a while──▶ connecting
 *      └──no event comes through──▶ polling ──an answer is missing──▶ lost
 */
export type Connection =
  | { readonly state: 'connecting' | 'live' | 'polling' }
  | { readonly state: 'lost'; readonly sinceMs: number; readonly why: string }

export const connection = signal<Connection>({ state: 'connecting' })

/** Watched paths with how many look at each. */
const watched = new Map<string, { readonly answer: Signal<Live<unknown>>; users: number }>()

const firstRetryMs = 500
const longestRetryMs = 10_000
/** Proxies that keep events back are found by this. */
const silenceMs = 6_000
const pollMs = 2_000

let current: AbortController | undefined
let restarting: ReturnType<typeof setTimeout> | undefined
let retryMs = firstRetryMs

/** What a path of the API answers, always as it is now. */
export function useLive<View>(path: string): ReadonlySignal<Live<View>> {
  const entry = useMemo(() => entryOf(path), [path])
  useEffect(() => {
    entry.users++
    watched.set(path, entry)
    if (entry.users === 1) restart(30)
    return () => {
      entry.users--
      if (entry.users > 0) return
      watched.delete(path)
      restart(1_000)
    }
  }, [path, entry])
  return entry.answer as Signal<Live<View>>
}

const entryOf = (path: string) => watched.get(path) ?? { answer: signal<Live<unknown>>({ state: 'loading' }), users: 0 }

/** Asks again at once: after an action, or by hand. */
export async function refresh(path: string): Promise<void> {
  const entry = watched.get(path)
  if (entry === undefined) return
  try {
    told(path, 200, await ask('GET', path))
  } catch (error) {
    if (error instanceof Problem && error.status > 0) entry.answer.value = { state: 'failed', problem: error }
  }
}

/** Opens the stream anew, a little later: pages add and take away several paths at once. */
export function restart(afterMs: number): void {
  clearTimeout(restarting)
  restarting = setTimeout(() => void run(), afterMs)
}

token.subscribe(() => restart(0))

async function run(): Promise<void> {
  current?.abort()
  const paths = [...watched.keys()]
  if (paths.length === 0) return
  const controller = (current = new AbortController())
  try {
    await follow(paths, controller)
    if (!controller.signal.aborted) lose('the gateway ended the connection')
  } catch (error) {
    if (controller.signal.aborted) return
    if (error === heldBack) return void poll(controller)
    if (needsToken.value) return
    lose(error instanceof Error ? error.message : String(error))
  }
}

const heldBack = new Error('nothing comes through')

async function follow(paths: readonly string[], controller: AbortController): Promise<void> {
  const query = new URLSearchParams(paths.map(path => ['watch', path]))
  // What holds events back may hold the answer back as a whole. Both end with the reason of the signal.
  const silence = new AbortController()
  const watchdog = setTimeout(() => silence.abort(heldBack), silenceMs)
  try {
    const response = await send(`/v1/live?${query}`, {
      signal: AbortSignal.any([controller.signal, silence.signal]),
      headers: { accept: 'text/event-stream' },
    })
    if (!response.ok) throw problemFrom(response.status, await response.json().catch(() => undefined))
    if (response.body === null) throw heldBack
    const events = response.body
      .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, never>)
      .pipeThrough(new EventSourceParserStream())
      .getReader()
    for (;;) {
      const { done, value } = await events.read()
      if (done) return
      clearTimeout(watchdog)
      if (value.event === 'ready') {
        retryMs = firstRetryMs
        connection.value = { state: 'live' }
      } else if (value.event === 'answer') {
        const { path, status, body } = JSON.parse(value.data) as { path: string; status: number; body: unknown }
        told(path, status, body)
      }
    }
  } finally {
    clearTimeout(watchdog)
  }
}

/** For networks where server-sent events do not come through. */
async function poll(controller: AbortController): Promise<void> {
  while (!controller.signal.aborted) {
    try {
      for (const path of watched.keys()) {
        const response = await send(path, { signal: controller.signal })
        told(path, response.status, await response.json())
      }
      connection.value = { state: 'polling' }
    } catch (error) {
      if (!controller.signal.aborted) lose(error instanceof Error ? error.message : String(error))
      return
    }
    await new Promise(resolve => setTimeout(resolve, pollMs))
  }
}

function told(path: string, status: number, body: unknown): void {
  const entry = watched.get(path)
  if (entry === undefined) return
  entry.answer.value =
    status === 200
      ? { state: 'ready', view: body, atMs: Date.now() }
      : { state: 'failed', problem: problemFrom(status, body) }
}

function lose(why: string): void {
  const { value } = connection
  connection.value = { state: 'lost', why, sinceMs: value.state === 'lost' ? value.sinceMs : Date.now() }
  restart(retryMs)
  retryMs = Math.min(longestRetryMs, retryMs * 2)
}
