import { describe, expect, it } from 'vitest'
import { isPrivateAddress } from '../../../src/sinks/http/address-guard.ts'

describe('the address guard', () => {
  it.each([
    '0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.255', '169.254.169.254', '172.16.0.1', '172.31.255.255',
    '192.0.0.1', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::127.0.0.1', '::ffff:127.0.0.1',
    '::ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', 'fc00::1', 'fd12::1', 'fe80::1', 'ff02::1', 'nonsense', '',
  ])('denies %s', address => expect(isPrivateAddress(address)).toBe(true)) // prettier-ignore

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '193.168.0.1',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
  ])('allows %s', address => expect(isPrivateAddress(address)).toBe(false))
})
