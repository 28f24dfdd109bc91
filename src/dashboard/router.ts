import { signal } from '@preact/signals'

/** What stands behind # in the address: no path of the gateway is needed for a page. */
export interface Place {
  readonly page: string
  /** Parts behind the page, such as the name of a trigger. */
  readonly parts: readonly string[]
  readonly query: URLSearchParams
}

export const place = signal<Place>(parse(location.hash))

addEventListener('hashchange', () => {
  place.value = parse(location.hash)
  scrollTo(0, 0)
})

function parse(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [page = '', ...parts] = path.split('/').map(part => decode(part))
  return { page: page === '' ? 'overview' : page, parts, query: new URLSearchParams(query) }
}

/** Addresses are typed by people, too. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The address of a page. */
export function href(
  page: string,
  parts: readonly string[] = [],
  query: Readonly<Record<string, string>> = {},
): string {
  const path = [page, ...parts].map(part => encodeURIComponent(part)).join('/')
  const text = new URLSearchParams(query).toString()
  return `#/${path}${text === '' ? '' : `?${text}`}`
}

export function go(address: string): void {
  location.hash = address.slice(1)
}
