import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatPauseScope, parsePauseScope, type PauseScope } from '../../../src/gateway/pauses/pause-scope.ts'

const name = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{0,20}$/)
const scopes: fc.Arbitrary<PauseScope> = fc.oneof(
  fc.record({ kind: fc.constant('trigger' as const), trigger: name }),
  fc.record({ kind: fc.constant('partition' as const), trigger: name, partition: fc.nat() }),
  fc.record({ kind: fc.constant('key' as const), trigger: name, key: fc.string({ unit: 'binary' }) }),
  fc.record({ kind: fc.constant('version' as const), function: name, version: fc.constantFrom('latest', '3', '12') }),
  fc.record({ kind: fc.constant('source' as const), source: name }),
)

describe('the name of what is paused', () => {
  it('is read back as it was, whatever a key looks like', () => {
    fc.assert(
      fc.property(scopes, scope => {
        expect(parsePauseScope(formatPauseScope(scope))).toEqual(scope)
      }),
    )
  })

  it('differs for what differs', () => {
    fc.assert(
      fc.property(scopes, scopes, (one, other) => {
        const isSame = JSON.stringify(one) === JSON.stringify(other)
        expect(formatPauseScope(one) === formatPauseScope(other)).toBe(isSame)
      }),
    )
  })

  it('is nothing when a later version has written it', () => {
    expect(parsePauseScope('tenant:acme')).toBeUndefined()
  })
})
