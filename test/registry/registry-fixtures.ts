import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FunctionDefinition } from '../../src/config/sections/function-definition.ts'
import type { CodeRef } from '../../src/functions/code-ref.ts'
import { versionHash } from '../../src/functions/version-hash.ts'
import type { RegistryChange } from '../../src/registry/registry-change.ts'
import type { RegistryState, TriggerDefinition } from '../../src/registry/registry-records.ts'

/** A definition with every default filled in. */
export function definitionOf(overrides: Partial<FunctionDefinition> = {}): FunctionDefinition {
  return {
    labels: {},
    runtime: 'nodejs',
    handler: 'default',
    environment: {},
    secrets: {},
    bindings: {},
    timeoutMs: 30_000,
    concurrency: 8,
    memoryMiB: 128,
    maxResultBytes: 1_048_576,
    retry: { maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 },
    scaling: { minWorkers: 0, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
    ...overrides,
  }
}

/** Code that nobody runs; different seeds are different code. */
export function codeOf(seed: number | string): CodeRef {
  const hash = createHash('sha256').update(`code ${seed}`).digest('hex')
  return { kind: 'artifact', hash, bytes: 100, files: [{ name: 'index.mjs', bytes: 100 }] }
}

export function triggerOf(functionRef: string, overrides: Partial<TriggerDefinition> = {}): TriggerDefinition {
  return {
    stream: 'orders',
    enabled: true,
    function: functionRef,
    ordering: 'key',
    start: 'earliest',
    sinks: [],
    maxInFlight: 2_000,
    ...overrides,
  }
}

/** A change that puts a function with code of its own. */
export function putFunction(
  name: string,
  seed: number | string = name,
  overrides: Partial<Extract<RegistryChange, { kind: 'put-function' }>> = {},
): Extract<RegistryChange, { kind: 'put-function' }> {
  const definition = definitionOf()
  const code = codeOf(seed)
  return {
    kind: 'put-function',
    name,
    managedBy: 'api',
    code,
    definition,
    hash: versionHash(definition, code),
    ...overrides,
  }
}

export function publish(name: string, version: number): RegistryChange {
  return { kind: 'publish-version', function: name, version, description: '', labels: {} }
}

export function putAlias(
  name: string,
  alias: string,
  weights: readonly (readonly [version: number, weight: number])[],
): RegistryChange {
  const entries = weights.map(([version, weight]) => ({ version, weight }))
  return { kind: 'put-alias', function: name, alias, description: '', weights: entries }
}

export function putTrigger(
  name: string,
  functionRef: string,
  overrides: Partial<Extract<RegistryChange, { kind: 'put-trigger' }>> = {},
): RegistryChange {
  return { kind: 'put-trigger', name, managedBy: 'api', definition: triggerOf(functionRef), ...overrides }
}

/** All that a state says, as JSON with its maps as pairs and its fields sorted: the same text for the same state. */
export function textOf(state: RegistryState): string {
  return JSON.stringify(state, (_key, value: unknown) => {
    if (value instanceof Map || value instanceof Set) return [...value]
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1)))
  })
}

/** A temporary directory that is removed at the end. */
export async function temporaryDirectory(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-registry-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}
