import { createHash } from 'node:crypto'
import type { FunctionDefinition } from '../../src/config/sections/function-definition.ts'
import type { CodeRef } from '../../src/functions/code-ref.ts'
import { versionHash } from '../../src/functions/version-hash.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'

export const functions = 1_000
export const versionsEach = 10

/** The changes that make 1,000 functions with 10 versions each. Their code is not there: nothing runs it. */
export function* thousandFunctions(): Generator<RegistryChange> {
  for (let version = 1; version <= versionsEach; version++) {
    for (let index = 0; index < functions; index++) {
      const name = `function-${String((index * 7_919) % functions).padStart(4, '0')}`
      const code = codeOf(`${name} ${version}`)
      if (version === 1)
        yield { kind: 'put-function', name, managedBy: 'api', code, definition, hash: versionHash(definition, code) }
      yield {
        kind: 'publish-version',
        function: name,
        version,
        description: `release ${version}`,
        labels: { team: 'billing' },
      }
    }
  }
}

const definition: FunctionDefinition = {
  description: 'prices an order',
  labels: { team: 'billing', tier: 'gold' },
  runtime: 'nodejs',
  handler: 'default',
  environment: { REGION: 'eu-central', LOG_LEVEL: 'info' },
  secrets: { TOKEN: 'billing-token' },
  bindings: { rates: { use: 'rates', path: '/rates/{event.data.currency}' } },
  timeoutMs: 30_000,
  concurrency: 8,
  memoryMiB: 128,
  maxResultBytes: 1_048_576,
  retry: { maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 },
  scaling: { minWorkers: 0, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
}

function codeOf(seed: string): CodeRef {
  const hash = createHash('sha256').update(seed).digest('hex')
  return { kind: 'artifact', hash, bytes: 200_000, files: [{ name: 'index.mjs', bytes: 150_000 }, { name: 'index.mjs.map', bytes: 50_000 }] } // prettier-ignore
}
