import { signal } from '@preact/signals'

const tokenKey = 'sluice.token'

/** Bearer token of the API, kept as long as the tab is open; '' for none. */
export const token = signal(sessionStorage.getItem(tokenKey) ?? '')

/** Whether the gateway asked for a token that we do not have. */
export const needsToken = signal(false)

export function setToken(text: string): void {
  sessionStorage.setItem(tokenKey, text)
  token.value = text
  needsToken.value = false
}

/** What the gateway, or the way to it, had against a request. */
export class Problem extends Error {
  override readonly name = 'Problem'
  /** 0: no answer came. */
  readonly status: number
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

/** A problem from the body of an answer, whatever that is. */
export function problemFrom(status: number, body: unknown): Problem {
  const { code, detail, title } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)
  return new Problem(status, text(code) ?? '', text(detail) ?? text(title) ?? `the gateway answered ${status}`)
}

const headersOf = (more: Readonly<Record<string, string>> = {}): Record<string, string> =>
  token.value === '' ? { ...more } : { ...more, authorization: `Bearer ${token.value}` }

/** A request as it is answered. @throws {Problem} when no answer comes. */
export async function send(
  path: string,
  init: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, { ...init, headers: headersOf(init.headers), credentials: 'omit' })
  } catch (error) {
    if (init.signal?.aborted === true) throw error
    throw new Problem(0, '', 'the gateway does not answer')
  }
  if (response.status === 401) needsToken.value = true
  return response
}

/** The JSON of an answer. @throws {Problem} for anything but success. */
export async function ask<View>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<View> {
  const response = await send(path, {
    method,
    ...(signal === undefined ? {} : { signal }),
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const value: unknown = await response.json().catch(() => undefined)
  if (!response.ok) throw problemFrom(response.status, value)
  return value as View
}

/** `/v1/triggers/orders`, each part escaped. */
export const apiPath = (...parts: readonly (string | number)[]): string =>
  `/v1/${parts.map(part => encodeURIComponent(String(part))).join('/')}`
