import type { OverviewView } from '../../api/views/overview-view.ts'
import { Rates } from './rates.ts'

/** Rates of everything in the overview, kept from page to page. */
const rates = new Rates()

let lastAtMs = 0

/** Takes an answer; one that was taken already changes nothing. */
export function takeOverview(view: OverviewView): void {
  if (view.atMs <= lastAtMs) return
  lastAtMs = view.atMs
  const take = (kind: string, name: string, count: number): void => void rates.take(`${kind}:${name}`, view.atMs, count)
  for (const { name, accepted, refused } of view.sources) {
    take('accepted', name, accepted)
    take('refused', name, refused)
  }
  for (const { name, appended } of view.streams) take('appended', name, appended)
  for (const { name, succeeded, failed } of view.triggers) {
    take('succeeded', name, succeeded)
    take('failed', name, failed)
  }
  for (const { function: name, version, succeeded, failed } of view.pools)
    take('pool', `${name}@${version}`, succeeded + failed)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  take('all', 'accepted', sum(view.sources.map(({ accepted }) => accepted)))
  take('all', 'refused', sum(view.sources.map(({ refused }) => refused)))
  take('all', 'succeeded', sum(view.triggers.map(({ succeeded }) => succeeded)))
  take('all', 'failed', sum(view.triggers.map(({ failed }) => failed)))
}

export type RateKind = 'accepted' | 'refused' | 'appended' | 'succeeded' | 'failed' | 'pool' | 'all'

/** Per second; undefined as long as it is not known. */
export const rateOf = (kind: RateKind, name: string): number | undefined => rates.of(`${kind}:${name}`)

export const ratePoints = (kind: RateKind, name: string): readonly number[] => rates.points(`${kind}:${name}`)
