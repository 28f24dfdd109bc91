import { isIP } from 'node:net'
import { SluiceError } from '../errors/sluice-error.ts'
import type { ResultPolicy } from './result-policy.ts'

/** What a list of hosts allows. */
interface AllowedHosts {
  readonly hosts: ReadonlySet<string>
  /** With the dot in front. */
  readonly domains: readonly string[]
}

const compiled = new WeakMap<readonly string[], AllowedHosts>()

/**
 * Whether a network policy allows a host: an exact name, all names below a domain (`*.example.com`, which is not
 * `example.com` itself), or an IP address in any of its spellings. Case and a final dot make no difference.
 * @param allow undefined allows every host, an empty list none.
 * @param host as in a URL, without the port; IPv6 addresses with or without brackets.
 */
export function isHostAllowed(allow: readonly string[] | undefined, host: string): boolean {
  if (allow === undefined) return true
  let allowed = compiled.get(allow)
  if (allowed === undefined) compiled.set(allow, (allowed = compile(allow)))
  const asked = plainHost(host)
  if (asked === '') return false
  if (allowed.hosts.has(asked)) return true
  // What is below an address is no address: `*.0.0.1` must not let 127.0.0.1 through.
  return isIP(asked) === 0 && allowed.domains.some(domain => asked.endsWith(domain))
}

/** @throws {SluiceError} SLUICE_SINKS_NETWORK_POLICY when the policy does not allow the host of a request. */
export function checkHost({ network }: ResultPolicy, host: string): void {
  if (isHostAllowed(network?.allow, host)) return
  const message = `the network policy of the function does not allow the host ${host}`
  throw new SluiceError('SLUICE_SINKS_NETWORK_POLICY', message, { details: { host } })
}

/** @throws {SluiceError} SLUICE_SINKS_FORBIDDEN when the execution role does not name the sink. */
export function checkSink({ role }: ResultPolicy, sink: string): void {
  if (role?.sinks?.includes(sink) !== false) return
  const message = `the execution role of the function does not allow the sink ${sink}`
  throw new SluiceError('SLUICE_SINKS_FORBIDDEN', message, { details: { sink } })
}

/** @throws {SluiceError} SLUICE_SINKS_FORBIDDEN when the execution role does not name the stream that a sink writes. */
export function checkStream({ role }: ResultPolicy, sink: string, stream: string): void {
  if (role?.streams?.includes(stream) !== false) return
  const message = `the execution role of the function does not allow the stream ${stream} of the sink ${sink}`
  throw new SluiceError('SLUICE_SINKS_FORBIDDEN', message, { details: { sink, stream } })
}

function compile(allow: readonly string[]): AllowedHosts {
  const hosts = new Set<string>()
  const domains: string[] = []
  for (const entry of allow) {
    if (!entry.startsWith('*.')) hosts.add(plainHost(entry))
    else if (plainHost(entry.slice(2)) !== '') domains.push(`.${plainHost(entry.slice(2))}`)
  }
  return { hosts, domains }
}

/** As URLs spell it: lower case, no final dot, addresses in one form, no brackets. Empty for what is no host. */
function plainHost(host: string): string {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host
  const spelled = isIP(bare) === 6 ? `[${bare}]` : bare
  if (/[/?#@\\\s%]/.test(spelled) || !URL.canParse(`http://${spelled}`)) return ''
  const { hostname, port } = new URL(`http://${spelled}`)
  if (port !== '') return ''
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
}
