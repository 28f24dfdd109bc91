import type { ExternalMetricView, ScalingSeriesView, ScalingView } from './views/scaling-view.ts'

export interface ScalingQuery {
  readonly function?: string
  /** `latest` or a published number. */
  readonly version?: string
}

/** How the pools follow the lag. */
export interface ScalingControl {
  /** @param query.limit most decisions of the answer. */
  scaling(query: ScalingQuery & { readonly limit: number }): Promise<ScalingView>
  /** @param query.windowMs at most an hour. */
  scalingSeries(query: ScalingQuery & { readonly windowMs: number }): Promise<ScalingSeriesView>
  /** @throws {SluiceError} SLUICE_CONTROLLER_UNKNOWN_LAG while the lag of some version is not known: hold. */
  externalMetric(): Promise<ExternalMetricView>
}
