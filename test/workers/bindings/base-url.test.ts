import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BaseUrl, encodePathPart } from '../../../src/workers/bindings/base-url.ts'

const base = new BaseUrl('https://api.example.com/v1', 'users')
const resolved = (...args: Parameters<BaseUrl['resolve']>): string => base.resolve(...args).href

describe('a base URL', () => {
  it.each([
    [undefined, 'https://api.example.com/v1'],
    ['', 'https://api.example.com/v1'],
    ['users', 'https://api.example.com/v1/users'],
    ['/users', 'https://api.example.com/v1/users'],
    ['users/?active=1&x=a%2Fb', 'https://api.example.com/v1/users/?active=1&x=a%2Fb'],
    ['users/grün 7', 'https://api.example.com/v1/users/gr%C3%BCn%207'],
    ['a..b/...', 'https://api.example.com/v1/a..b/...'],
    ['jobs/7:run', 'https://api.example.com/v1/jobs/7:run'],
    [['users', 'a/b?c#d', 7 as unknown as string], 'https://api.example.com/v1/users/a%2Fb%3Fc%23d/7'],
  ])('takes %j', (path, url) => {
    expect(resolved(path, undefined)).toBe(url)
  })

  it('adds a query to that of the path', () => {
    expect(resolved('users?a=1', { b: 'x&y', c: 2, d: undefined, e: false })).toBe(
      'https://api.example.com/v1/users?a=1&b=x%26y&c=2&e=false',
    )
  })

  it.each([
    '..', '../v2', 'users/../../admin', './x', 'users/%2e%2e/%2E%2E/admin', 'users/..%2fadmin', 'users/%2e%2e%5cadmin', '..\\admin',
    '.\t./admin', '\n/evil', '%2f.. ', 'x#y', '//evil.example', '///evil.example', 'https://evil.example/', 'HTTP://evil', '/https://evil', 'users/%2e%2e%ff/..',
  ])('refuses %j', path => {
    expect(() => resolved(path, undefined)).toThrow(/^binding users: the path /)
  }) // prettier-ignore

  it.each([['..'], ['a', '../b'], ['a', ''], ['\ud800']])('refuses the segments %j', (...segments) => {
    expect(() => resolved(segments, undefined)).toThrow(
      /^binding users: a segment of the path cannot be used: its value /,
    )
  })

  it.each([
    ['ftp://x', 'no http(s) URL'],
    ['http://', 'no URL'],
    ['http://user:secret@x/', 'put credentials into headers.authorization'],
    ['http://x/?a=1', 'has a query'],
    ['http://x/#a', 'has a query or a fragment'],
  ])('cannot be %s', (url, message) => {
    expect(() => new BaseUrl(url, 'users')).toThrow(message)
    expect(() => new BaseUrl(url, 'users')).not.toThrow('secret@')
  })

  it('keeps every value in its place, whatever it is', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('.', '..', '/', '\\', '%2e', '%2f', '?', '#', '//', ':', '@', 'x', '\t', '\0'), {
          maxLength: 8,
        })
        .map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(value, text => {
        let encoded: string
        try {
          encoded = encodePathPart(text)
        } catch {
          return
        }
        const url = base.resolve(`users/${encoded}/orders`, undefined)
        expect(url.origin).toBe('https://api.example.com')
        expect(url.search + url.hash).toBe('')
        expect(url.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'v1', 'users', text, 'orders'])
      }),
      { numRuns: 2_000 },
    )
  })

  it('lets no path out, whatever it is', () => {
    const path = fc
      .array(
        fc.constantFrom('.', '..', '/', '\\', '%2e', '%2F', '?', '#', '//', ':', '@', 'x', '\t', '\n', 'http:', ' '),
        { maxLength: 10 },
      )
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(path, text => {
        let url: URL
        try {
          url = base.resolve(text, undefined)
        } catch {
          return
        }
        expect(url.origin).toBe('https://api.example.com')
        expect(`${decodeURIComponent(url.pathname)}/`.startsWith('/v1/')).toBe(true)
        expect(decodeURIComponent(url.pathname).split(/[/\\]/)).not.toContain('..')
      }),
      { numRuns: 5_000 },
    )
  })
})
