import { describe, expect, it } from 'vitest'
import { isUri, isUriReference } from '../../src/events/uri.ts'

const absolute = [
  'https://cloudevents.io', 'https://github.com/cloudevents', 'mailto:cncf-wg-serverless@lists.cncf.io', 'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
  'http://[::1]:8080/a?b=c#d', 'https://user:pw@host:1/x;y=z', 'a:', 'a:b:c', 'file:///etc/x', 'https://x/%E2%82%AC', 'tag:a,2020:/x//y', 'x:?q', 'x:#f',
] // prettier-ignore
const relative = [
  '/cloudevents/spec/pull/123', '1-555-123-4567', '#fragment', '//authority/path', '/', '?q', 'a/b:c', './a:b', '../x', '/sensors/tn-1234567/alerts', '//host', '//',
  '//storage.googleapis.com/projects/_/buckets/x', '',
] // prettier-ignore
const neither = [
  'a b', '1:2', ':x', 'x:a b', 'http://[::1', 'http://a]b', 'ü', 'https://x/ü', '%', '%2', '%zz', 'a\\b', '<x>', '"x"', 'x{y}', 'a#b#c', 'http://h:1:2#a#b', 'a^b', '`',
  '\n', 'a\n', '/a|b',
] // prettier-ignore

describe('URIs', () => {
  it.each(absolute)('%j is a URI and a reference', uri => {
    expect([isUri(uri), isUriReference(uri)]).toEqual([true, true])
  })
  it.each(relative)('%j is a reference and no URI', uri => {
    expect([isUri(uri), isUriReference(uri)]).toEqual([false, true])
  })
  it.each(neither)('%j is neither', uri => {
    expect([isUri(uri), isUriReference(uri)]).toEqual([false, false])
  })
})
