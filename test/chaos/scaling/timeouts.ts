import { readdir } from 'node:fs/promises'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { sendOpenLoop } from './open-loop.ts'
import { pathOf, startScaledGateway, untilDone, versionOf } from './scaled-gateway.ts'

const timeoutMs = 50
const perBatch = 200

export const timeouts = defineExperiment({
  name: 'timeouts',
  proves:
    'Handlers that never let go are ended with their threads, thousands of times: no thread stays, no neighbour fails.',
  full: { timeouts: 10_000 },
  short: { timeouts: 100 },
  async run({ size, progress }) {
    const gateway = await startScaledGateway({
      loops: {
        file: 'busy.mjs',
        definition: { timeoutMs, retry: { maxAttempts: 1 }, scaling: { maxWorkers: 2, scaleToZeroAfterMs: 1_000 } },
      },
      neighbour: {
        file: 'busy.mjs',
        definition: { environment: { WAIT_MS: '5' }, scaling: { minWorkers: 1, maxWorkers: 2 } },
      },
    })
    try {
      const { pid } = gateway.process
      await gateway.until('warm', async () => (await versionOf(gateway, 'neighbour')).state === 'ready')
      const threads = await threadsOf(pid)
      let done = 0
      let neighbours = 0
      while (done < size.timeouts) {
        const batch = Math.min(perBatch, size.timeouts - done)
        const fields = { act: 'loop' }
        const loops = sendOpenLoop({
          url: gateway.url,
          path: pathOf('loops'),
          perS: () => batch,
          durationMs: 1_000,
          keys: 1_000,
          fields,
        })
        const beside = sendOpenLoop({
          url: gateway.url,
          path: pathOf('neighbour'),
          perS: () => 50,
          durationMs: 1_000,
          keys: 100,
        })
        done += (await loops).accepted
        neighbours += (await beside).accepted
        await untilDone(gateway, 'loops', 300_000)
        progress(Math.min(done, size.timeouts), size.timeouts)
      }
      await untilDone(gateway, 'neighbour')
      const letters = (await gateway.trigger('loops')).deadLetters
      const { totals } = await versionOf(gateway, 'neighbour')
      await gateway.until('idle', async () => (await versionOf(gateway, 'loops')).workers === 0, 180_000)
      const after = await gateway
        .until(
          'threads gone',
          async () => {
            const now = await threadsOf(pid)
            return now <= threads + 1 ? now : undefined
          },
          30_000,
        )
        .catch(() => threadsOf(pid))
      return {
        figures: [
          exactly('timeouts that became dead letters', letters, done),
          atMost('threads that stayed', Math.max(0, after - threads - 1), 0),
          exactly("neighbour's failures", totals.failed, 0),
          exactly("neighbour's events done", totals.succeeded, neighbours),
          told('threads before', threads),
        ],
        findings: [],
      }
    } finally {
      await gateway.dispose()
    }
  },
})

async function threadsOf(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/task`)).length
}
