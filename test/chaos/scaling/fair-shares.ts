import { setTimeout as delay } from 'node:timers/promises'
import { defineExperiment } from '../experiment.ts'
import { atLeast, atMost, told } from '../figure.ts'
import { sendOpenLoop } from './open-loop.ts'
import { pathOf, scalingOf, startScaledGateway } from './scaled-gateway.ts'

/** Weights, and what each computes and waits: one computes all the time, the others wait between. */
const functions = {
  computes: { weight: 2, computeMs: 10, waitMs: 0 },
  'waits-a-bit': { weight: 1, computeMs: 5, waitMs: 5 },
  'waits-long': { weight: 1, computeMs: 5, waitMs: 20 },
} as const
const names = Object.keys(functions) as (keyof typeof functions)[]
const settlingMs = 15_000

export const fairShares = defineExperiment({
  name: 'fair-shares',
  proves: 'Functions that want more than there is get CPU time by their weights, and none starves.',
  full: { seconds: 120, offPercent: 15 },
  short: { seconds: 5, offPercent: 75 },
  async run({ size, progress }) {
    const gateway = await startScaledGateway(
      Object.fromEntries(
        names.map(name => {
          const { weight, computeMs, waitMs } = functions[name]
          const environment = { COMPUTE_MS: String(computeMs), WAIT_MS: String(waitMs) }
          return [name, { file: 'busy.mjs', definition: { environment, scaling: { maxWorkers: 8, weight } } }]
        }),
      ),
    )
    try {
      // More than can be done within the time, before it begins: what sends takes CPU time, too.
      for (const name of names) {
        await gateway.post(`/v1/triggers/${name}/pause`, { reason: 'filling', by: 'prove' })
        const load = { url: gateway.url, path: pathOf(name), perS: () => 3_000, durationMs: 10_000, keys: 2_000 }
        await sendOpenLoop(load)
      }
      for (const name of names) await gateway.post(`/v1/triggers/${name}/resume`, {})
      await delay(settlingMs)
      const before = await usage()
      for (let second = 0; second < size.seconds; second++) {
        await delay(1_000)
        progress(second + 1, size.seconds)
      }
      const after = await usage()
      const used = names.map(name => (after.get(name)?.cpuMs ?? 0) - (before.get(name)?.cpuMs ?? 0))
      const sum = used.reduce((total, ms) => total + ms, 0)
      const weights = names.reduce((total, name) => total + functions[name].weight, 0)
      const off = names.map((name, index) => (used[index] ?? 0) / sum / (functions[name].weight / weights) - 1)
      const leastDone = Math.min(
        ...names.map(name => (after.get(name)?.succeeded ?? 0) - (before.get(name)?.succeeded ?? 0)),
      )
      return {
        figures: [
          atMost('farthest from its share', Math.max(...off.map(Math.abs)) * 100, size.offPercent, '%'),
          ...names.map((name, index) => told(`${name}: share of CPU time`, ((used[index] ?? 0) / sum) * 100, '%')),
          told('cores used', sum / 1000 / size.seconds),
          atLeast('least events done of one', leastDone, 1),
        ],
        findings: [],
      }

      async function usage() {
        const { versions } = await scalingOf(gateway)
        return new Map(versions.map(({ function: name, totals }) => [name, totals]))
      }
    } finally {
      await gateway.dispose()
    }
  },
})
