/** What an HTTP source with `reply` answers. */
export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

export const ok = (body: unknown, headers: Record<string, string> = {}): Reply => ({ status: 200, headers, body })

/** An error as RFC 9457 writes it. */
export function problem(status: number, title: string, detail: string, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: { type: 'about:blank', title, status, detail },
  }
}

export const notFound = (detail: string): Reply => problem(404, 'Not Found', detail)
export const badRequest = (detail: string): Reply => problem(400, 'Bad Request', detail)
export const notAllowed = (method: string, allow: string): Reply =>
  problem(405, 'Method Not Allowed', `${method} is not possible here`, { allow })
