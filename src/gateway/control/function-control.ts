import { readFile } from 'node:fs/promises'
import type { FunctionControl, FunctionInput } from '../../api/function-control.ts'
import type { Precondition } from '../../api/precondition.ts'
import type { FunctionView, PoolView } from '../../api/views/function-view.ts'
import { checkDefinition } from '../../config/check-definition.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { CodeRef } from '../../functions/code-ref.ts'
import { resolveVersion } from '../../functions/resolve-version.ts'
import { versionHash } from '../../functions/version-hash.ts'
import {
  planDeleteFunction,
  planDeleteVersion,
  planEnable,
  planPublish,
  planPutFunction,
} from '../../registry/plan-function.ts'
import type { FunctionRecord, RegistryState, VersionRecord } from '../../registry/registry-records.ts'
import { checkFunction } from '../../workers/check-module.ts'
import { compileCacheDir } from '../compile-cache-dir.ts'
import { invocationsOf } from '../fleet/async-invocations.ts'
import type { GatewayView } from '../gateway-view.ts'
import { notFound } from '../invoke.ts'
import { functionSummaryOf, functionViewOf, newestFirst, poolViewOf, versionViewOf } from '../views/function-views.ts'

/** Functions and their versions: reads the registry, and changes it by plans that it checks. */
export function createFunctionControl(view: GatewayView): FunctionControl {
  const { registry, artifacts, surroundings } = view

  const poolsOf = (name: string): PoolView[] =>
    view.engines.of(name).map(({ version, dispatch }) => poolViewOf(version, dispatch.pool.stats()))
  const viewOf = (state: RegistryState, name: string): FunctionView =>
    functionViewOf(functionNamed(state, name), poolsOf(name), state)

  /** The code that a put is about: what came with it, or what is there. */
  const codeFor = async (name: string, { code }: FunctionInput): Promise<CodeRef> => {
    if (code !== undefined) return { kind: 'artifact', ...(await artifacts.put(code)) }
    const record = registry.state.functions.get(name)
    if (record !== undefined) return record.latest.code
    throw new SluiceError('SLUICE_REGISTRY_INVALID', `function ${name} is new: \`code\` is missing`, {
      details: { field: 'code' },
    })
  }

  return {
    functions({ labels, limit, after }) {
      const matching = [...registry.state.functions.values()]
        .filter(({ name, latest }) => {
          const has = latest.definition.labels
          return (after === undefined || name > after) && labels.every(label => has[label.name] === label.value)
        })
        .sort((a, b) => (a.name < b.name ? -1 : 1))
      const items = matching.slice(0, limit).map(record => functionSummaryOf(record, poolsOf(record.name)))
      const next = matching.length > limit ? (items.at(-1)?.name ?? null) : null
      return Promise.resolve({ items, next })
    },
    async function(name) {
      return Promise.resolve(viewOf(registry.state, name))
    },
    async putFunction(name, input, precondition) {
      const { definition } = input
      const before = registry.state.functions.get(name)
      const code = await codeFor(name, input)
      const hash = versionHash(definition, code)
      checkFields(name, definition, surroundings)
      // Loaded before it is accepted; what did not change was loaded when it was.
      if (before?.latest.hash !== hash) {
        const version = resolveVersion(name, { version: 'latest', hash, code, definition }, surroundings)
        await checkFunction(version, { compileCacheDirectory: compileCacheDir(view.config) })
      }
      const expiresAtMs = input.expiresAfterMs === undefined ? undefined : Date.now() + input.expiresAfterMs
      let created = false
      let published: number | undefined
      const state = await registry.transact('api', current => {
        created = !current.functions.has(name)
        const plan = planPutFunction(current, {
          name,
          managedBy: 'api',
          code,
          definition,
          hash,
          ...conditionOf(precondition),
          ...(input.publish === undefined ? {} : { publish: input.publish }),
          ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
        })
        published = plan.published
        return plan.changes
      })
      const shown = viewOf(state, name)
      const version = published === undefined ? undefined : state.functions.get(name)?.versions.get(published)
      return { created, view: version === undefined ? shown : { ...shown, published: versionViewOf(name, version) } }
    },
    async deleteFunction(name, { force, precondition }) {
      if (!force) {
        const waiting = await view.asynchronous.waiting(name)
        if (waiting > 0) {
          const message = `${waiting} asynchronous invocations of function ${name} wait (trigger ${invocationsOf(name)}); delete it with force to drop them`
          throw new SluiceError('SLUICE_REGISTRY_IN_USE', message)
        }
      }
      await registry.transact('api', state => planDeleteFunction(state, { name, force, ...conditionOf(precondition) }))
    },
    async enableFunction(name, enabled, precondition) {
      const state = await registry.transact('api', current =>
        planEnable(current, { name, enabled, ...conditionOf(precondition) }),
      )
      // Answered when it is so: nothing of a disabled function starts any more.
      await view.triggers.holdsSettled()
      return viewOf(state, name)
    },
    async functionCode(name, version) {
      const record = functionNamed(registry.state, name)
      const { code } = version === 'latest' ? record.latest : versionNamed(record, version)
      const path = code.kind === 'file' ? code.path : artifacts.modulePath(code.hash)
      const files = code.kind === 'file' ? [{ name: code.path, bytes: code.bytes }] : code.files
      try {
        return { hash: code.hash, files, module: await readFile(path, 'utf8') }
      } catch (error) {
        const message = `the code of ${name}@${version} cannot be read: ${messageOf(error)}`
        throw new SluiceError('SLUICE_STORE_WRITE', message, { cause: error })
      }
    },
    async versions(name) {
      const record = functionNamed(registry.state, name)
      return Promise.resolve(newestFirst(record).map(version => versionViewOf(name, version)))
    },
    async version(name, version) {
      return Promise.resolve(versionViewOf(name, versionNamed(functionNamed(registry.state, name), version)))
    },
    async publishVersion(name, publication, precondition) {
      let number = 0
      let unchanged = false
      const state = await registry.transact('api', current => {
        const plan = planPublish(current, { function: name, ...publication, ...conditionOf(precondition) })
        number = plan.version
        unchanged = plan.unchanged
        return plan.changes
      })
      const shown = versionViewOf(name, versionNamed(functionNamed(state, name), number))
      return { created: !unchanged, view: unchanged ? { ...shown, unchanged } : shown }
    },
    async deleteVersion(name, version, { force, precondition }) {
      await registry.transact('api', state =>
        planDeleteVersion(state, { function: name, version, force, ...conditionOf(precondition) }),
      )
    },
  }
}

/** What the plans of the registry call a precondition. */
export function conditionOf({ revision, absent }: Precondition): {
  readonly ifMatch?: number | 'any'
  readonly ifNoneMatch?: true
} {
  return {
    ...(revision === undefined ? {} : { ifMatch: revision }),
    ...(absent === undefined ? {} : { ifNoneMatch: absent }),
  }
}

export function functionNamed(state: RegistryState, name: string): FunctionRecord {
  const record = state.functions.get(name)
  if (record === undefined) throw notFound(name)
  return record
}

function versionNamed(record: FunctionRecord, version: number): VersionRecord {
  const found = record.versions.get(version)
  if (found === undefined)
    throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${record.name} has no version ${version}`)
  return found
}

/** @throws {SluiceError} SLUICE_REGISTRY_INVALID with all problems at once. */
function checkFields(name: string, definition: FunctionInput['definition'], around: GatewayView['surroundings']): void {
  const problems = checkDefinition(definition, around)
  if (problems.length === 0) return
  const lines = problems.map(({ path, message }) => `definition.${path.join('.')}: ${message}`)
  throw new SluiceError('SLUICE_REGISTRY_INVALID', `function ${name}: ${lines.join('; ')}`, { details: { problems } })
}
