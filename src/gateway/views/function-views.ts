import type { FunctionSummary, FunctionView, PoolView } from '../../api/views/function-view.ts'
import type { CodeView, VersionSummary, VersionView } from '../../api/views/version-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import type { CodeRef } from '../../functions/code-ref.ts'
import type { FunctionRecord, RegistryState, VersionRecord } from '../../registry/registry-records.ts'
import type { FunctionVersion } from '../../functions/function-version.ts'
import type { WorkerPoolStats } from '../../workers/worker-pool.ts'
import { aliasViewOf } from './alias-views.ts'

/** A version that runs, as the API shows it. */
export function poolViewOf(version: FunctionVersion, stats: WorkerPoolStats): PoolView {
  const { name, hash, timeoutMs, concurrency, scaling } = version
  return {
    name,
    version: version.version,
    hash,
    state: stats.state,
    timeoutMs,
    concurrency,
    minWorkers: scaling.minWorkers,
    maxWorkers: scaling.maxWorkers,
    workers: stats.workers,
    busy: stats.busy,
    succeeded: stats.succeeded,
    failed: stats.failed,
    coldStarts: stats.coldStarts,
    killed: stats.killed,
    serviceTimeMs: stats.serviceTimeMs ?? null,
    ...(stats.problem === undefined ? {} : { detail: stats.problem }),
  }
}

/** Fields that a function has in a list and by itself. */
function fieldsOf(record: FunctionRecord, running: readonly PoolView[]): Omit<FunctionSummary, 'aliases'> {
  const { latest } = record
  const problem = running.find(({ state, detail }) => state === 'quarantined' && detail !== undefined)
  return {
    name: record.name,
    description: latest.definition.description ?? '',
    labels: latest.definition.labels,
    enabled: record.enabled,
    managedBy: record.managedBy,
    latestHash: latest.hash,
    latestPublishedAs: publishedAs(record),
    versionCount: record.versions.size,
    lastVersion: record.lastVersion,
    expiresAtMs: record.expiresAtMs ?? null,
    revision: record.revision,
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    running,
    ...(problem?.detail === undefined ? {} : { detail: `version ${problem.version} cannot start: ${problem.detail}` }),
  }
}

export function functionSummaryOf(record: FunctionRecord, running: readonly PoolView[]): FunctionSummary {
  const aliases = byName(record.aliases.values()).map(({ name, weights }) => ({ name, weights }))
  return { ...fieldsOf(record, running), aliases }
}

export function functionViewOf(
  record: FunctionRecord,
  running: readonly PoolView[],
  state: RegistryState,
): FunctionView {
  const triggers = [...state.triggers.values()]
    .map(({ name, definition }) => ({ name, functionRef: definition.function }))
    .filter(({ functionRef }) => parseFunctionRef(functionRef)?.name === record.name)
  return {
    ...fieldsOf(record, running),
    definition: record.latest.definition,
    code: codeViewOf(record.latest.code),
    versions: newestFirst(record).map(versionSummaryOf),
    aliases: byName(record.aliases.values()).map(alias => aliasViewOf(record, alias)),
    triggers: byName(triggers),
  }
}

export function versionViewOf(functionName: string, version: VersionRecord): VersionView {
  return {
    function: functionName,
    ...versionSummaryOf(version),
    code: codeViewOf(version.code),
    definition: version.definition,
  }
}

export function newestFirst({ versions }: FunctionRecord): VersionRecord[] {
  return [...versions.values()].sort((a, b) => Number(b.version) - Number(a.version))
}

function versionSummaryOf(version: VersionRecord): VersionSummary {
  const { hash, code, description, labels, createdAtMs } = version
  return { version: Number(version.version), hash, codeHash: code.hash, description, labels, createdAtMs }
}

function codeViewOf(code: CodeRef): CodeView {
  const { kind, hash, bytes } = code
  const files = code.kind === 'artifact' ? code.files : [{ name: code.path, bytes }]
  return { kind, hash, bytes, files: files.map(({ name, bytes: size }) => ({ name, bytes: size })) }
}

function publishedAs(record: FunctionRecord): number | null {
  let newest: number | null = null
  for (const [number, { hash }] of record.versions)
    if (hash === record.latest.hash && (newest === null || number > newest)) newest = number
  return newest
}

const byName = <Named extends { readonly name: string }>(items: Iterable<Named>): Named[] =>
  [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
