import { setTimeout as delay } from 'node:timers/promises'
import { startGateway, type GatewayProcess } from '../../e2e/gateway-process.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, quantile, told } from '../figure.ts'
import { sendOpenLoop } from '../scaling/open-loop.ts'
import { functionFile } from './trial.ts'

const keys = 1_000
const atATime = 100
const perS = 2_500
const lookEveryMs = 5

/**
 * The workload by which Confluent's parallel-consumer measures itself: 10,000 records in one partition, 1,000 keys, calls
 * of 0 to 5 ms, 100 at a time. It takes 2.056 s for them; the calls alone take a quarter of a second.
 */
export const keyedCalls = defineExperiment({
  name: 'keyed-calls',
  proves:
    'The order of keys costs little: 10,000 calls of 0 to 5 ms from one partition, 100 at a time, take less than a second.',
  full: { rounds: 10, events: 10_000, ms: 1_000 },
  // Beside other work, as with every commit, times say little.
  short: { rounds: 1, events: 2_000, ms: 20_000 },
  async run({ size, progress }) {
    const gateway = await startGateway({
      config: {
        streams: { records: { partitions: 1 } },
        sources: {
          records: { type: 'http', path: '/in', stream: 'records', mapping: { partitionkey: { pointer: '/key' } } },
        },
        functions: {
          nap: { file: functionFile('nap.mjs'), concurrency: atATime, scaling: { minWorkers: 1, maxWorkers: 1 } },
        },
        triggers: { nap: { stream: 'records', function: 'nap', maxInFlight: 5_000 } },
      },
    })
    try {
      await gateway.ready()
      const took: number[] = []
      const alone: number[] = []
      let accepted = 0
      for (let round = 0; round < size.rounds; round++) {
        await post(gateway, 'pause', { reason: 'the records are being sent' })
        const load = { url: gateway.url, path: '/in', perS: () => perS, keys }
        accepted += (await sendOpenLoop({ ...load, durationMs: (1_000 * size.events) / perS })).accepted
        const startedMs = performance.now()
        await post(gateway, 'resume')
        while ((await gateway.trigger('nap')).succeeded < accepted) await delay(lookEveryMs)
        took.push(performance.now() - startedMs)
        alone.push(await callsAlone(size.events))
        progress(round + 1, size.rounds, `${Math.round(took.at(-1) as number)} ms`)
      }
      return {
        figures: [
          atMost('until all calls had ended, median', quantile(took, 0.5), size.ms, 'ms'),
          told('longest', Math.max(...took), 'ms'),
          told('the calls alone, in one thread', quantile(alone, 0.5), 'ms'),
          exactly('events', accepted, size.rounds * size.events),
        ],
        findings: [],
      }
    } finally {
      await gateway.dispose()
    }
  },
})

async function post(gateway: GatewayProcess, what: 'pause' | 'resume', body: object = {}): Promise<void> {
  const answer = await gateway.post(`/v1/triggers/nap/${what}`, body)
  if (answer.status !== 200) throw new Error(`${what}: ${answer.body}`)
}

async function callsAlone(events: number): Promise<number> {
  const startedMs = performance.now()
  let left = events
  const call = async (): Promise<void> => {
    while (left-- > 0) await delay(Math.random() * 5)
  }
  await Promise.all(Array.from({ length: atATime }, call))
  return performance.now() - startedMs
}
