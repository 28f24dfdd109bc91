import { describe, expect, it } from 'vitest'
import { questionOf } from '../../src/dashboard/pages/event-question.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'

describe('what is typed to find an event', () => {
  it.each([
    ['nothing', '  ', { limit: '50' }],
    ['failed', 'failed', { failed: 'true', limit: '50' }],
    ['a trace id', trace.toUpperCase(), { trace }],
    ['a traceparent', `00-${trace}-00f067aa0ba902b7-01`, { trace }],
    ['a place', 'orders/3/4711', { stream: 'orders', partition: '3', offset: '4711', data: 'true' }],
    ['a place with colons', 'shop.orders:0:7', { stream: 'shop.orders', partition: '0', offset: '7', data: 'true' }],
    ['a key', 'key: device 7', { key: 'device 7', limit: '50' }],
    ['an id', 'k-12', { id: 'k-12', data: 'true' }],
    ['an id with slashes', 'orders/3', { id: 'orders/3', data: 'true' }],
    ['key without a key', 'key:', { id: 'key:', data: 'true' }],
  ])('%s', (_name, text, query) => {
    expect(questionOf(text).query).toEqual(query)
  })
})
