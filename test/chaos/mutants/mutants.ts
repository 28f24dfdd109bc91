import { killedOnKafka, rebalancedOnKafka } from './kafka-workloads.ts'
import type { Mutant } from './mutant.ts'
import { powerGone } from './power-loss-workload.ts'
import {
  killedWhileBusy,
  killedWorkers,
  lockedStore,
  pausedAndResumed,
  refusedAndRepeated,
  refusingReceiver,
  stoppedAtTheLimit,
  type Workload,
} from './workloads.ts'

/** A mutant and what tries it; the same workload finds nothing in the gateway as it is. */
export interface TriedMutant extends Mutant {
  readonly workload: Workload
}

export const mutants: readonly TriedMutant[] = [
  {
    name: 'acknowledge before sync',
    bug: 'An event is acknowledged when it is written, before it is synced.',
    edits: [
      {
        file: 'log/embedded/log-writer.ts',
        find: 'const syncWrites = { syncWrites: true }',
        replace: 'const syncWrites = { syncWrites: false }',
      },
      { file: 'log/embedded/log-writer.ts', find: 'if (file.isSynced !== true) await file.sync()', replace: '' },
    ],
    breaks: ['lost'],
    workload: powerGone,
  },
  {
    name: 'commit what was seen',
    bug: 'The offset that is committed is the one behind the newest record taken in, whether or not it is complete.',
    edits: [
      {
        file: 'dispatch/offset-tracker.ts',
        find: 'this.#oldest === this.#next ? this.#nextOffset',
        replace: 'true ? this.#nextOffset',
      },
    ],
    breaks: ['lost'],
    workload: killedWhileBusy,
  },
  {
    name: 'auto-resolve',
    bug: 'The Kafka client commits what it has handed over, as kafkajs does when it is used as documented.',
    edits: [
      {
        file: 'log/kafka/kafkajs/consumer-session.ts',
        find: 'autoCommit: false,',
        replace: 'autoCommit: true,',
      },
      {
        file: 'log/kafka/kafkajs/consumer-session.ts',
        find: 'eachBatchAutoResolve: false,',
        replace: 'eachBatchAutoResolve: true,',
      },
      {
        file: 'log/kafka/kafkajs/consumer-session.ts',
        find: 'return this.#committer.commit(epoch, offsets)',
        replace: 'return Promise.resolve()',
      },
    ],
    breaks: ['lost'],
    workload: killedOnKafka,
  },
  {
    name: 'commit after revoke',
    bug: 'A partition that went to another member is committed once more, up to what was taken in.',
    edits: [
      {
        file: 'dispatch/admission.ts',
        find: 'this.windows.delete(partition)',
        replace:
          'void this.#subscription?.commit(window.epoch, new Map([[partition, window.tracker.nextOffset]])); this.windows.delete(partition)',
      },
      {
        file: 'log/kafka/kafkajs/offset-committer.ts',
        find: 'return owned !== undefined && owned.isAnnounced && offset > owned.committed',
        replace: 'return true',
      },
    ],
    breaks: ['lost'],
    workload: rebalancedOnKafka,
  },
  {
    name: 'count a killed frame as done',
    bug: 'What a worker held when it was killed counts as succeeded.',
    edits: [
      {
        file: 'workers/running-frame.ts',
        find: 'this.#suspect(index, error)',
        replace: 'this.succeeded(index, [], 0)',
      },
    ],
    breaks: ['lost'],
    workload: killedWorkers,
  },
  {
    name: 're-partition on retry',
    bug: 'An event that is sent again after a refusal goes to whatever partition is next, not to that of its key.',
    edits: [
      {
        file: 'sources/stream-intake.ts',
        find: 'partitionFor(record.key, this.#log.partitionCount, sticky)',
        replace:
          '((globalThis.tried ??= new Set()).has(`${record.value}`) ? this.#nextPartition() : (globalThis.tried.add(`${record.value}`), partitionFor(record.key, this.#log.partitionCount, sticky)))',
      },
    ],
    breaks: ['outOfOrder', 'overlapping'],
    workload: refusedAndRepeated,
  },
  {
    name: 'drop when the dead letter fails',
    bug: 'An event whose dead letter cannot be written is complete all the same.',
    edits: [
      {
        file: 'dispatch/dead-letters.ts',
        find: 'if (!failed) this.#blocked++',
        replace: 'if (!failed) return true',
      },
    ],
    breaks: ['lost'],
    workload: lockedStore,
  },
  {
    name: 'lose the tail on shutdown',
    bug: 'A stop commits everything that was taken in, finished or not.',
    edits: [
      {
        file: 'dispatch/admission.ts',
        find: 'if (!this.#commitsFirst) await this.#commits.flush()',
        replace:
          'for (const { tracker } of this.windows.values()) while (tracker.oldest < tracker.next) tracker.complete(tracker.oldest); await this.#commits.flush()',
      },
    ],
    breaks: ['lost'],
    workload: stoppedAtTheLimit,
  },
  {
    name: 'resume twice',
    bug: 'A resume makes every key ready again, those included that are running.',
    edits: [
      {
        file: 'dispatch/trigger-dispatch.ts',
        find: 'this.#gate.resume()',
        replace:
          'for (const window of this.#admission.windows.values()) for (const lane of window.lanes.values()) if (lane.state === "running") { lane.state = "idle"; this.#order.makeReady(lane) } this.#gate.resume()',
      },
    ],
    // Lost: dispatch may notice that an event was settled twice, and then starts nothing more.
    breaks: ['overlapping', 'outOfOrder', 'excessDuplicates', 'lost'],
    workload: pausedAndResumed,
  },
  {
    name: 'swallow a sink error',
    bug: 'A result that its sink refuses counts as delivered.',
    edits: [
      {
        file: 'dispatch/publication.ts',
        find: 'const error = SluiceError.from(thrown)',
        replace: 'if (thrown) return undefined; const error = SluiceError.from(thrown)',
      },
    ],
    breaks: ['lost'],
    workload: refusingReceiver,
  },
]
