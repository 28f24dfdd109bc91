import { lookup, type LookupAddress, type LookupOptions } from 'node:dns'
import { BlockList, isIP } from 'node:net'
import { SluiceError } from '../../errors/sluice-error.ts'

const denied = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const) {
  denied.addSubnet(network, prefix, 'ipv4')
}
for (const [network, prefix] of [
  // Unspecified, loopback and the deprecated IPv4-compatible addresses, which BlockList does not see as IPv4.
  ['::', 96],
  // NAT64, its local prefix and 6to4 carry an IPv4 address inside.
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['2002::', 16],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  denied.addSubnet(network, prefix, 'ipv6')
}

/** Whether an address belongs to this machine, a private network, or nobody: what a shared gateway must not call. */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return true
  // IPv4-mapped addresses are checked as IPv4 by BlockList itself.
  return denied.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

export function addressDenied(host: string): SluiceError {
  return new SluiceError(
    'SLUICE_SINKS_ADDRESS_DENIED',
    `${host} is or resolves to a private address, which this sink may not call; set allowPrivate if it shall`,
    { details: { host } },
  )
}

type LookupCallback = (error: Error | null, address: string | LookupAddress[], family?: number) => void

/**
 * A `lookup` for connections that refuses names with any private address. The connection goes to what was checked: a
 * check before connecting could be given another address than the connection (DNS rebinding). Literal addresses never
 * come here and are checked by the sink.
 */
export function lookupPublic(hostname: string, options: LookupOptions, callback: LookupCallback): void {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    if (addresses.length === 0 || addresses.some(({ address }) => isPrivateAddress(address))) {
      return callback(addressDenied(hostname), [])
    }
    if (options.all === true) return callback(null, addresses)
    const { address, family } = addresses[0]!
    callback(null, address, family)
  })
}
