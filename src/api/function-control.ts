import type { FunctionDefinition } from '../config/sections/function-definition.ts'
import type { Precondition, Put } from './precondition.ts'
import type { FunctionSummary, FunctionView } from './views/function-view.ts'
import type { CodeContentView, VersionView } from './views/version-view.ts'
import type { NamePage } from './views/view-schema.ts'

/**
 * Functions and their versions. Input has the right shape (fields, ranges, patterns; defaults are filled in); whether it
 * fits what is there is for the control to say. Every change is durable when its promise resolves.
 *
 * All of them throw {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND for an unknown function and SLUICE_API_NOT_FOUND for an unknown
 * version. Changes throw SLUICE_REGISTRY_MANAGED for what the configuration file manages, SLUICE_REGISTRY_REVISION for a
 * precondition that does not hold, SLUICE_REGISTRY_WRITE, SLUICE_REGISTRY_CLOSED and SLUICE_STORE_WRITE.
 */
export interface FunctionControl {
  /** Sorted by name. */
  functions(query: FunctionQuery): Promise<NamePage<FunctionSummary>>
  function(name: string): Promise<FunctionView>
  /**
   * Creates a function or changes its latest version, and publishes that if asked to.
   * @throws {SluiceError} SLUICE_FUNCTIONS_ARTIFACT, SLUICE_FUNCTIONS_LOAD (the module does not load),
   *   SLUICE_REGISTRY_INVALID (a new function without code; an unknown secret or binding, or one that its role forbids).
   */
  putFunction(name: string, input: FunctionInput, precondition: Precondition): Promise<Put<FunctionView>>
  /** @throws {SluiceError} SLUICE_REGISTRY_IN_USE while a trigger or alias needs it, unless `force`: then events of its triggers
   *   wait. */
  deleteFunction(name: string, options: DeleteOptions): Promise<void>
  /** Disabled: its triggers take nothing. Idempotent. */
  enableFunction(name: string, enabled: boolean, precondition: Precondition): Promise<FunctionView>
  functionCode(name: string, version: number | 'latest'): Promise<CodeContentView>
  /** Newest first. */
  versions(name: string): Promise<readonly VersionView[]>
  version(name: string, version: number): Promise<VersionView>
  /**
   * Copies latest to a new number. When the newest published version has the same content, nothing is published and the
   * answer is that version with `unchanged: true`, `created: false`.
   */
  publishVersion(name: string, publication: Publication, precondition: Precondition): Promise<Put<VersionView>>
  /** @throws {SluiceError} SLUICE_REGISTRY_IN_USE while an alias or trigger needs it, unless `force`. */
  deleteVersion(name: string, version: number, options: DeleteOptions): Promise<void>
}

export interface FunctionQuery {
  /** All of them must be there. */
  readonly labels: readonly { readonly name: string; readonly value: string }[]
  /** 1 to 1,000. */
  readonly limit: number
  /** Only names after this one. */
  readonly after?: string
}

export interface FunctionInput {
  readonly definition: FunctionDefinition
  /** By name, `index.mjs` is the module; absent: the code stays. Sizes, count and names are checked by the artifact store. */
  readonly code?: ReadonlyMap<string, Uint8Array>
  readonly publish?: Publication
  /** Deleted after this time unless it is renewed; absent: kept. */
  readonly expiresAfterMs?: number
}

export interface Publication {
  /** '' for none. */
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
}

export interface DeleteOptions {
  readonly force: boolean
  readonly precondition: Precondition
}
