import { defaultDefinition } from '../../../src/cli/manifest/default-definition.ts'
import type { MemoryGateway } from '../memory-gateway.ts'

/** Puts a function on a gateway, with so many published versions that differ. */
export function putFunction(
  gateway: MemoryGateway,
  name: string,
  options: {
    readonly versions?: number
    readonly labels?: Record<string, string>
    readonly by?: 'api' | 'config'
  } = {},
): void {
  const { versions = 0, labels = {}, by = 'api' } = options
  for (let version = 0; version <= versions; version++) {
    const code = {
      kind: 'artifact',
      hash: `c0de-${version}`,
      bytes: 10,
      files: [{ name: 'index.mjs', bytes: 10 }],
    } as const
    const definition = { ...defaultDefinition(), labels }
    gateway.change({ kind: 'put-function', name, managedBy: by, code, definition, hash: `${name}-${version}` })
    if (version === versions) return
    gateway.change({
      kind: 'publish-version',
      function: name,
      version: version + 1,
      description: `no. ${version + 1}`,
      labels: {},
    })
  }
}
