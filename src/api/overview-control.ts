import type { OverviewView } from './views/overview-view.ts'

/** The gateway at a glance. */
export interface OverviewControl {
  /** Every source, stream, trigger, pool and sink in a line, and what is wrong. While a broker is away it takes as long as asking that one. */
  overview(): Promise<OverviewView>
}
