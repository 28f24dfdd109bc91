import type { OverviewView } from './views/overview-view.ts'

/** The gateway at a glance. */
export interface OverviewControl {
  /** Every source, stream, trigger, pool and sink in a line, and what is wrong. Never waits for a broker that is away. */
  overview(): Promise<OverviewView>
}
