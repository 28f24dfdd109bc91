import type { RolloutBounds, ShadowTarget, WeightedVersion } from '../registry/registry-records.ts'
import type { Precondition, Put } from './precondition.ts'
import type { AliasView, ShadowReport } from './views/alias-view.ts'

/**
 * Aliases of functions. All of them throw {SluiceError} SLUICE_FUNCTIONS_NOT_FOUND for an unknown function and
 * SLUICE_API_NOT_FOUND for an unknown alias; changes throw as those of {@link FunctionControl} do.
 */
export interface AliasControl {
  /** Sorted by name. */
  aliases(functionName: string): Promise<readonly AliasView[]>
  alias(functionName: string, alias: string): Promise<AliasView>
  /**
   * Moves an alias in one step. A running rollout is aborted by it.
   * @throws {SluiceError} SLUICE_REGISTRY_INVALID for versions that are not there, that stand twice, or weights that do not
   *   add up to 100.
   */
  putAlias(functionName: string, alias: string, input: AliasInput, precondition: Precondition): Promise<Put<AliasView>>
  /** @throws {SluiceError} SLUICE_REGISTRY_IN_USE while a trigger needs it, unless `force`. */
  deleteAlias(
    functionName: string,
    alias: string,
    options: { readonly force: boolean; readonly precondition: Precondition },
  ): Promise<void>
  /**
   * @throws {SluiceError} SLUICE_REGISTRY_ROLLOUT when one runs, SLUICE_REGISTRY_INVALID for a version that is not there or
   *   serves alone already.
   */
  startRollout(
    functionName: string,
    alias: string,
    rollout: RolloutInput,
    precondition: Precondition,
  ): Promise<AliasView>
  /** @throws {SluiceError} SLUICE_REGISTRY_ROLLOUT when none runs. */
  abortRollout(
    functionName: string,
    alias: string,
    options: { readonly restore: boolean; readonly precondition: Precondition },
  ): Promise<AliasView>
  /** @throws {SluiceError} SLUICE_API_NOT_FOUND for an alias without a shadow. */
  shadowReport(functionName: string, alias: string): Promise<ShadowReport>
}

export interface AliasInput {
  readonly weights: readonly WeightedVersion[]
  /** '' for none. */
  readonly description: string
  /** Absent: none. */
  readonly shadow?: ShadowTarget
}

export interface RolloutInput {
  readonly to: number
  /** Ascending, the last one 100. */
  readonly steps: readonly number[]
  readonly stepMs: number
  readonly bounds: RolloutBounds
}
