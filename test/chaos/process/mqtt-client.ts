import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { startMosquitto, type MosquittoHarness } from '../../support/mosquitto/mosquitto.ts'
import { addVerdict, emptyVerdict } from '../checker/verdict.ts'
import { defineExperiment } from '../experiment.ts'
import { exactly, quantile, told } from '../figure.ts'
import { seededRandom } from '../random.ts'
import { findingsOf, verdictFigures } from '../verdict-figures.ts'
import { Trial } from './trial.ts'

const killsPerTrial = 20
/** Messages on their way to the gateway at a time: what the broker sends once more after a kill. */
const maxInflight = 20

export const mqttClient = defineExperiment({
  name: 'mqtt-client',
  proves:
    'A gateway on an external broker that is killed when an event is stored and its PUBACK is not sent loses nothing: the broker sends it again, and it is known by its id.',
  needs: ['mosquitto'],
  full: { kills: 200 },
  short: { kills: 2 },
  async run({ size, seed, progress }) {
    const random = seededRandom(seed)
    const sum = emptyVerdict()
    for (let done = 0; done < size.kills;) {
      await using broker = disposable(await startMosquitto({ maxInflight, maxQueued: 0, tcpNoDelay: true }))
      await using trial = await startOn(broker.mosquitto)
      trial.publishFromDevices({ port: broker.mosquitto.port })
      let kills = 0
      for (; kills < killsPerTrial && done < size.kills; kills++) {
        await trial.runs.waitForDone(trial.runs.done.size + 50)
        await delay(random.below(500))
        trial.gateway.process.signal('SIGUSR2')
        assert.deepEqual(await trial.gateway.process.exited, { code: null, signal: 'SIGKILL' })
        await trial.restartKilled()
        progress(++done, size.kills, `${trial.sent.acknowledged} published in this trial`)
      }
      await trial.stopSending()
      // What was published may still lie in the broker. If it never comes, the judge says what is missing.
      await trial.runs.waitForDone(trial.sent.acknowledged).catch(() => undefined)
      await trial.settle()
      await trial.gateway.stop()
      addVerdict(sum, await trial.judge({ isDeduplicated: () => true }))
    }
    return {
      figures: [
        exactly('kills between store and PUBACK', sum.counts.interruptions, size.kills),
        ...verdictFigures(sum),
        told('first run again, p99', quantile(sum.firstRunMs, 0.99), 'ms'),
      ],
      findings: findingsOf(sum),
    }
  },
})

function startOn({ url }: MosquittoHarness): Promise<Trial> {
  return Trial.start({
    nodeArgs: ['--import', join(import.meta.dirname, 'killing-write.ts')],
    functionEnvironment: { WORK_MS: '2' },
    more: () => ({
      sources: {
        devices: {
          type: 'mqtt',
          topics: ['devices/+/telemetry'],
          stream: 'events',
          // What the broker sends again is recognised by its id: without it each copy would be an event of its own.
          mapping: {
            ...{ type: 'test.event', id: { pointer: '/id' }, dedupId: { pointer: '/id' } },
            partitionkey: { topicLevel: 1 },
          },
          broker: { url },
        },
      },
    }),
  })
}

function disposable(mosquitto: MosquittoHarness): AsyncDisposable & { readonly mosquitto: MosquittoHarness } {
  return { mosquitto, [Symbol.asyncDispose]: () => mosquitto.stop() }
}
