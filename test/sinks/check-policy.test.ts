import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkHost, checkSink, checkStream, isHostAllowed } from '../../src/sinks/check-policy.ts'
import { unrestricted } from '../../src/sinks/result-policy.ts'

describe('isHostAllowed', () => {
  it.each([
    ['example.com', 'example.com'],
    ['Example.COM', 'exAMPle.com.'],
    ['*.example.com', 'a.example.com'],
    ['*.example.com', 'a.b.EXAMPLE.com'],
    ['localhost', 'localhost'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1', '0x7f.1'],
    ['::1', '[::1]'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['2001:DB8:0::1', '[2001:db8::1]'],
    ['xn--mnchen-3ya.example', 'münchen.example'],
  ])('lets %s through to %s', (entry, host) => {
    expect(isHostAllowed([entry], host)).toBe(true)
    expect(isHostAllowed(['other.example', entry], host)).toBe(true)
  })

  it.each([
    ['example.com', 'a.example.com'],
    ['example.com', 'example.com.evil.example'],
    ['example.com', 'notexample.com'],
    ['*.example.com', 'example.com'],
    ['*.example.com', 'notexample.com'],
    ['*.example.com', 'example.com.evil.example'],
    ['*.0.0.1', '127.0.0.1'],
    ['*.0.0.1', '0x7f.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.1', '[::ffff:127.0.0.1]'],
    ['::1', '::2'],
    ['example.com', ''],
    ['example.com', 'example.com:8080'],
    ['example.com', 'example.com/path'],
    ['example.com', 'user@example.com'],
    ['example.com', 'evil.example#example.com'],
  ])('does not let %s through to %s', (entry, host) => {
    expect(isHostAllowed([entry], host)).toBe(false)
  })

  it('allows every host without a list and none with an empty one', () => {
    fc.assert(
      fc.property(fc.domain(), host => {
        expect(isHostAllowed(undefined, host)).toBe(true)
        expect(isHostAllowed([], host)).toBe(false)
        expect(isHostAllowed([host], host.toUpperCase())).toBe(true)
        expect(isHostAllowed([`*.${host}`], host)).toBe(false)
        expect(isHostAllowed([`*.${host}`], `a.${host}`)).toBe(true)
      }),
    )
  })
})

describe('the checks', () => {
  it('let everything through without role and network', () => {
    checkSink(unrestricted, 's')
    checkStream(unrestricted, 's', 'orders')
    checkHost(unrestricted, 'example.com')
    checkSink({ role: { streams: [] }, network: { allow: [] } }, 's')
    checkStream({ role: { sinks: [] }, network: { allow: [] } }, 's', 'orders')
  })

  it('say what was asked for', () => {
    const policy = { role: { sinks: ['a'], streams: ['b'] }, network: { allow: ['c'] } }
    checkSink(policy, 'a')
    checkStream(policy, 'a', 'b')
    checkHost(policy, 'c')
    expect(() => checkSink(policy, 'x')).toThrow(
      expect.objectContaining({ code: 'SLUICE_SINKS_FORBIDDEN', retryable: false, details: { sink: 'x' } }),
    )
    expect(() => checkStream(policy, 'a', 'x')).toThrow(
      expect.objectContaining({ code: 'SLUICE_SINKS_FORBIDDEN', details: { sink: 'a', stream: 'x' } }),
    )
    expect(() => checkHost(policy, 'x')).toThrow(
      expect.objectContaining({ code: 'SLUICE_SINKS_NETWORK_POLICY', retryable: false, details: { host: 'x' } }),
    )
  })
})
