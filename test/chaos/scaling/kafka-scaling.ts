import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startGateway } from '../../e2e/gateway-process.ts'
import { produceEvents } from '../../e2e/kafka-topics.ts'
import { defineExperiment } from '../experiment.ts'
import { atLeast, exactly } from '../figure.ts'
import { createTrialTopic } from '../process/kafka-trial.ts'
import { functionFile, partitions } from '../process/trial.ts'
import { SentJournal } from '../checker/sent-journal.ts'
import { versionOf } from './scaled-gateway.ts'

const burst = 1_500

export const kafkaScaling = defineExperiment({
  name: 'kafka-scaling',
  proves: 'Workers come and go a hundred times while one consumer reads the topic: its group is never rebalanced.',
  needs: ['kafka'],
  full: { cycles: 100 },
  short: { cycles: 2 },
  async run({ size, directory, progress }) {
    const { kafka, brokers, topic } = await createTrialTopic()
    const journal = join(directory, 'journal')
    const sent = await SentJournal.create(join(directory, 'sent'))
    const gateway = await startGateway({
      config: {
        kafka: { brokers, groupPrefix: `${topic}-` },
        sources: { records: { type: 'kafka', topic, mapping: { type: 'test.event' } } },
        functions: {
          io: {
            file: functionFile('start-delay.mjs'),
            environment: { JOURNAL: journal, WAIT_MS: '20' },
            scaling: { minWorkers: 1, maxWorkers: 6, targetDrainMs: 500, scaleToZeroAfterMs: 0 },
          },
        },
        triggers: { io: { stream: 'records', function: 'io' } },
      },
    })
    try {
      let most = Infinity
      for (let cycle = 0; cycle < size.cycles; cycle++) {
        const events = Array.from({ length: burst }, (_, index) => {
          const key = `k${index % 500}`
          return { id: `${cycle}-${index}`, key, seq: cycle * burst + index }
        })
        await produceEvents(kafka, topic, partitions, events, sent)
        let workers = 0
        await gateway.until('back at one worker', async () => {
          const { permitted } = await versionOf(gateway, 'io')
          workers = Math.max(workers, permitted)
          return permitted === 1 && (await gateway.trigger('io')).succeeded === (cycle + 1) * burst
        })
        most = Math.min(most, workers)
        progress(cycle + 1, size.cycles, `up to ${workers} workers`)
      }
      const lines = (await readFile(journal, 'utf8')).split('\n').filter(line => line !== '')
      const epochs = new Set(lines.map(line => line.split(' ')[1]))
      return {
        figures: [
          exactly('rebalances', epochs.size - 1, 0),
          atLeast('cycles', size.cycles, size.cycles),
          atLeast('workers of every burst', most, 2),
          exactly('events', lines.length, size.cycles * burst),
        ],
        findings: [],
      }
    } finally {
      await gateway.dispose()
      await sent.close()
    }
  },
})
