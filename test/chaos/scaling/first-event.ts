import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { join } from 'node:path'
import type { GatewayProcess } from '../../e2e/gateway-process.ts'
import { defineExperiment } from '../experiment.ts'
import { atMost, exactly, quantile, told } from '../figure.ts'
import { pathOf, startScaledGateway, versionOf } from './scaled-gateway.ts'

/** Between two events of a warm function: it is idle when the next one comes. */
const betweenMs = 20

/** A worker stays for some seconds: while that of one function does, it is the turn of the others. */
const coldNames = Array.from({ length: 10 }, (_, index) => `cold${index}`)

export const firstEvent = defineExperiment({
  name: 'first-event',
  proves:
    'The first event after a time of nothing does not wait for a tick: its handler begins as soon as a worker has started.',
  full: { cold: 200, warm: 5_000, coldMs: 100, warmMs: 5 },
  short: { cold: 10, warm: 200, coldMs: 3_000, warmMs: 3_000 },
  async run({ size, directory, progress }) {
    const journals = { cold: join(directory, 'cold'), warm: join(directory, 'warm') }
    const functionOf = (JOURNAL: string, scaling: object) => ({
      file: 'start-delay.mjs',
      definition: { environment: { JOURNAL }, scaling },
    })
    const gateway = await startScaledGateway({
      ...Object.fromEntries(
        coldNames.map(name => [name, functionOf(journals.cold, { minWorkers: 0, scaleToZeroAfterMs: 0 })]),
      ),
      warm: functionOf(journals.warm, { minWorkers: 1 }),
    })
    try {
      const of = size.cold + size.warm
      await gateway.until('warm', async () => (await versionOf(gateway, 'warm')).state === 'ready')
      for (let event = 0; event < size.warm; event++) {
        await send(gateway, 'warm')
        await delay(betweenMs)
        progress(event + 1, of)
      }
      for (let event = 0; event < size.cold; event++) {
        const name = coldNames[event % coldNames.length] as string
        const events = Math.floor(event / coldNames.length) + 1
        await gateway.until('cold', async () => (await versionOf(gateway, name)).workers === 0)
        await send(gateway, name)
        await gateway.until('done', async () => (await gateway.trigger(name)).succeeded === events)
        progress(size.warm + event + 1, of)
      }
      await gateway.until('done', async () => (await gateway.trigger('warm')).succeeded === size.warm)
      const [cold, warm] = [await delaysOf(journals.cold), await delaysOf(journals.warm)]
      return {
        figures: [
          atMost('from zero: sent to handler, p99', quantile(cold, 0.99), size.coldMs, 'ms'),
          told('from zero: median', quantile(cold, 0.5), 'ms'),
          atMost('warm: sent to handler, p99', quantile(warm, 0.99), size.warmMs, 'ms'),
          told('warm: median', quantile(warm, 0.5), 'ms'),
          exactly('events from zero', cold.length, size.cold),
          exactly('events when warm', warm.length, size.warm),
        ],
        findings: [],
      }
    } finally {
      await gateway.dispose()
    }
  },
})

async function send(gateway: GatewayProcess, name: string): Promise<void> {
  const { status, body } = await gateway.post(pathOf(name), {
    key: 'k',
    sentAtMs: performance.timeOrigin + performance.now(),
  })
  if (status !== 202) throw new Error(`${name} was refused: ${body}`)
}

async function delaysOf(journal: string): Promise<readonly number[]> {
  const lines = (await readFile(journal, 'utf8')).split('\n').filter(line => line !== '')
  return lines.map(line => Number(line.split(' ')[0]))
}
