import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { sendOpenLoop } from './open-loop.ts'
import { pathOf, scalingOf, startScaledGateway, untilDone } from './scaled-gateway.ts'

const perS = 700
const noise = 0.1
const settlingMs = 30_000

export const scalingSteady = defineExperiment({
  name: 'scaling-steady',
  proves: 'Under a load that stays the same but for noise of ±10 % the number of workers stays as it is.',
  full: { seconds: 630 },
  short: { seconds: 35 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const factors = Array.from({ length: size.seconds + 1 }, () => 1 + noise * (random.below(2_001) / 1_000 - 1))
    const gateway = await startScaledGateway({
      io: {
        file: 'busy.mjs',
        definition: { environment: { WAIT_MS: '20', COMPUTE_MS: '0.4' }, scaling: { maxWorkers: 16 } },
      },
    })
    try {
      const startedMs = Date.now()
      const rate = (atMs: number): number => {
        progress(Math.floor(atMs / 1000), size.seconds)
        return perS * (factors[Math.floor(atMs / 1000)] ?? 1)
      }
      const load = { url: gateway.url, path: pathOf('io'), perS: rate, durationMs: size.seconds * 1000, keys: 5_000 }
      const { accepted, refused } = await sendOpenLoop(load)
      const { decisions, versions } = await scalingOf(gateway, 'io')
      const late = decisions.filter(({ atMs }) => atMs > startedMs + settlingMs)
      await untilDone(gateway, 'io')
      return {
        figures: [
          atMost(`resizes after the first ${settlingMs / 1000} s`, late.length, 2),
          told('resizes in all', decisions.length),
          told('workers in the end', versions[0]?.permitted ?? NaN),
          told('events', accepted),
          exactly('refused', refused, 0),
        ],
        findings: late.length > 2 ? late.map(({ from, to, reason }) => `${from}→${to}: ${reason}`) : [],
      }
    } finally {
      await gateway.dispose()
    }
  },
})
