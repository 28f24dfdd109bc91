import { Value } from 'typebox/value'
import { describe, expect, it } from 'vitest'
import { encodeEventHeader } from '../../src/events/event-header-codec.ts'
import { compileFilter } from '../../src/events/filter.ts'
import { FilterSchema, type Filter } from '../../src/events/filter-schema.ts'
import { createHomeEventReader } from '../../src/events/home-event-reader.ts'
import type { LogRecord } from '../../src/log/log-record.ts'

const reader = createHomeEventReader()
const recordOf = (body: string): LogRecord => ({
  offset: 0, timestampMs: 0, key: null, headers: null, value: Buffer.from(body),
  header: encodeEventHeader({
    id: 'a', source: '/shop/berlin', type: 'com.acme.order.created', subject: 'order-1', acceptedAtMs: 1, hops: 0, extensions: { priority: 5, vip: true },
  }),
}) // prettier-ignore
const record = recordOf('{"amount":250,"state":"open","lines":[{"sku":"x"}],"note":null}')

describe('a filter', () => {
  it.each<[Filter, boolean]>([
    [{}, true],
    [{ type: 'com.acme.order.created' }, true],
    [{ type: 'com.acme.order' }, false],
    [{ type: 'com.acme.*' }, true],
    [{ type: 'com.acme.x*' }, false],
    [{ type: '*' }, true],
    [{ missing: '*' }, false],
    [{ type: ['other', 'com.acme.order.created'] }, true],
    [{ type: ['other', 'com.other.*'] }, false],
    [{ type: 'com.acme.*', subject: 'order-2' }, false],
    [{ source: { prefix: '/shop/' }, subject: { suffix: '-1' } }, true],
    [{ source: { prefix: '/x' } }, false],
    [{ subject: { suffix: '-2' } }, false],
    [{ type: { exact: 'com.acme.*' } }, false],
    [{ time: { exists: false }, subject: { exists: true } }, true],
    [{ subject: { exists: false } }, false],
    [{ priority: '5', vip: 'true', specversion: '1.0' }, true],
    [{ exact: { type: 'com.acme.order.created', subject: 'order-1' } }, true],
    [{ exact: { type: 'com.acme.order.created', subject: 'order-2' } }, false],
    [{ prefix: { type: 'com.' }, suffix: { type: '.created' } }, true],
    [{ any: [{ type: 'x' }, { subject: 'order-1' }] }, true],
    [{ any: [{ type: 'x' }, { subject: 'y' }] }, false],
    [{ all: [{ type: 'com.*' }, { subject: 'order-1' }] }, true],
    [{ all: [{ type: 'com.*' }, { subject: 'y' }] }, false],
    [{ not: { type: 'x' } }, true],
    [{ not: { type: 'com.*' } }, false],
    [{ data: { '/amount': 250 } }, true],
    [{ data: { '/amount': '250' } }, false],
    [{ data: { '/amount': { gte: 250, lt: 251 } } }, true],
    [{ data: { '/amount': { gt: 250 } } }, false],
    [{ data: { '/amount': { lte: 249 } } }, false],
    [{ data: { '/state': ['closed', 'open'], '/lines/0/sku': 'x' } }, true],
    [{ data: { '/state': 'op*' } }, true],
    [{ data: { '/note': null } }, true],
    [{ data: { '/nothing': null } }, false],
    [{ data: { '/nothing': { exists: false }, '/note': { exists: true } } }, true],
    [{ data: { '/state': { suffix: 'n' } } }, true],
    [{ type: 'x', data: { '/amount': 250 } }, false],
  ])('%j gives %s', (filter, expected) => {
    expect(Value.Check(FilterSchema, filter)).toBe(true)
    expect(compileFilter(filter)(reader, record)).toBe(expected)
  })

  it('does not match on a body that is no JSON, empty or too large, and never throws for it', () => {
    const filter = compileFilter({ data: { '/a': 1 } })
    for (const body of ['', '{', `{"a":1,"pad":"${'x'.repeat(65536)}"}`])
      expect(filter(reader, recordOf(body))).toBe(false)
    expect(filter(reader, { ...record, value: null })).toBe(false)
    expect(filter(reader, recordOf('{"a":1}'))).toBe(true)
  })

  it('does not touch the body when an attribute already decides', () => {
    const value = new Proxy(Buffer.alloc(1), { get: () => expect.unreachable() })
    expect(compileFilter({ data: { '/a': 1 }, type: 'x' })(reader, { ...record, value })).toBe(false)
  })

  it.each<[Filter, RegExp]>([
    [{ 'My.Ext': 'x' }, /filter\.My\.Ext is no attribute name/],
    [{ type: 5 }, /filter\.type must be/],
    [{ type: [] }, /at least one/],
    [{ type: { prefix: '' } }, /filter\.type/],
    [{ type: { prefix: 'a', suffix: 'b' } }, /one member/],
    [{ type: { regex: 'a' } }, /filter\.type/],
    [{ exact: 'x' }, /filter\.exact/],
    [{ any: [] }, /filter\.any/],
    [{ any: [{ type: 5 }] }, /filter\.any\[0\]\.type/],
    [{ not: 'x' }, /filter\.not/],
    [{ data: { amount: 5 } }, /no JSON pointer/],
    [{ data: { '/a': { gt: 'x' } } }, /gt, gte/],
    [{ data: { '/a': { constructor: 5 } } }, /filter\.data/],
    [{ data: 'x' }, /filter\.data/],
  ])('%j is refused with its place', (filter, message) => {
    expect(() => compileFilter(filter)).toThrow(
      expect.objectContaining({ code: 'SLUICE_CONFIG_INVALID', message: expect.stringMatching(message) }),
    )
  })

  it.each([
    { exact: { 'A.b': 'x' } },
    { data: { a: 1 } },
    { type: { prefix: '' } },
    { type: 5 },
    { any: [] },
    { not: { not: {} } },
  ])('has a schema that refuses %j', filter => expect(Value.Check(FilterSchema, filter)).toBe(false))

  it('is refused when it is nested without end', () => {
    let filter: Filter = { type: 'x' }
    for (let i = 0; i < 20; i++) filter = { not: filter }
    expect(() => compileFilter(filter)).toThrow(/deeper than 8/)
  })
})
