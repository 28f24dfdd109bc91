import { SluiceError } from '../../errors/sluice-error.ts'
import { encodeUrlPart } from '../../sinks/topic-template.ts'
import type { HttpPath, HttpRequest } from '../handler-types.ts'

/** The URL that all requests of a binding stay below. */
export class BaseUrl {
  readonly origin: string
  readonly hostname: string
  readonly #where: string
  readonly #url: string
  /** With a slash at the end. */
  readonly #root: string
  readonly #rootPath: string

  /** @throws {SluiceError} SLUICE_CONFIG_INVALID. */
  constructor(url: string, binding: string) {
    this.#where = `binding ${binding}`
    if (!URL.canParse(url)) throw invalid(`${this.#where}: baseUrl is no URL`)
    const { protocol, origin, hostname, pathname, search, hash, username, password } = new URL(url)
    if (protocol !== 'http:' && protocol !== 'https:') throw invalid(`${this.#where}: baseUrl is no http(s) URL`)
    if (search !== '' || hash !== '') throw invalid(`${this.#where}: baseUrl has a query or a fragment`)
    if (username !== '' || password !== '')
      throw invalid(`${this.#where}: put credentials into headers.authorization or bearer, not into the URL`)
    this.origin = origin
    this.hostname = hostname
    this.#url = `${origin}${pathname}`
    this.#rootPath = pathname.endsWith('/') ? pathname : `${pathname}/`
    this.#root = `${origin}${this.#rootPath}`
  }

  /** @throws {SluiceError} SLUICE_SINKS_REJECTED for a path that would leave the base. */
  resolve(path: HttpPath | undefined, query: HttpRequest['query']): URL {
    const text = path === undefined || typeof path === 'string' ? path : this.#join(path)
    const url = text === undefined || text === '' ? new URL(this.#url) : this.#below(text)
    for (const [name, value] of Object.entries(query ?? {}))
      if (value !== undefined) url.searchParams.append(name, String(value))
    return url
  }

  /** Whether it may be asked with the credentials of this one. */
  contains({ origin, pathname }: URL): boolean {
    return origin === this.origin && (pathname.startsWith(this.#rootPath) || `${pathname}/` === this.#rootPath)
  }

  #join(segments: readonly string[]): string {
    return segments
      .map(segment => {
        try {
          return encodePathPart(String(segment))
        } catch (error) {
          throw this.#refused(`a segment of the path cannot be used: ${(error as Error).message}`)
        }
      })
      .join('/')
  }

  #below(path: string): URL {
    const relative = path.startsWith('/') ? path.slice(1) : path
    // The URL parser drops line breaks and tabs, turns \ into / and resolves dot segments: what is judged here must be what
    // is sent.
    if (/[\0-\x1f\x7f\\]/.test(relative)) throw this.#refused('the path has control characters or a backslash')
    if (relative.includes('#')) throw this.#refused('the path has a fragment (#)')
    if (/^(\/|[a-z][a-z0-9+.-]*:\/\/)/i.test(relative)) throw this.#refused('the path is a URL of its own')
    const [pathOnly = ''] = relative.split('?', 1)
    const url = new URL(this.#root + relative)
    // Of the text, where the parser resolves them, and of the URL, where it has cut off what hid them.
    if (hasDotSegment(decoded(pathOnly)) || hasDotSegment(decoded(url.pathname)))
      throw this.#refused('the path has . or .. as a segment')
    if (!this.contains(url)) throw this.#refused('the path leaves the base URL')
    return url
  }

  #refused(message: string): SluiceError {
    return new SluiceError('SLUICE_SINKS_REJECTED', `${this.#where}: ${message}`)
  }
}

/** A value in a path or a query: all of it stays in its place, also for servers that decode before they look. */
export function encodePathPart(value: string): string {
  if (value === '') throw new Error('its value is empty')
  if (hasDotSegment(value)) throw new Error('its value has . or .. as a segment')
  return encodeUrlPart(value)
}

function hasDotSegment(path: string): boolean {
  return path.split(/[/\\]/).some(segment => segment === '.' || segment === '..')
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    // No percent-encoding of UTF-8: then at least the dots and slashes of it.
    return path.replaceAll(/%2e/gi, '.').replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '\\')
  }
}

function invalid(message: string): SluiceError {
  return new SluiceError('SLUICE_CONFIG_INVALID', message)
}
