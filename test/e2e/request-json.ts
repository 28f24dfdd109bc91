export interface JsonAnswer<View> {
  readonly status: number
  readonly headers: Headers
  readonly body: View
}

/** One request with a JSON body, or none, and its JSON answer, whatever the status. */
export async function requestJson<View>(
  base: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<JsonAnswer<View>> {
  const response = await fetch(base + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: (text === '' ? undefined : JSON.parse(text)) as View,
  }
}
