import { createTrialTopic, kafkaTrial, TrialProducer } from '../process/kafka-trial.ts'
import { assertPlanted, planted } from './plant.ts'
import type { Workload } from './workloads.ts'

const keys = 100

/** A Kafka-backed stream whose gateway is killed with much in its hands. */
export const killedOnKafka: Workload = async edits => {
  const topic = await createTrialTopic()
  await using trial = await kafkaTrial(topic, { functionEnvironment: { WORK_MS: '20' }, ...planted(edits) })
  assertPlanted(trial.gateway.process, edits)
  await new TrialProducer(topic, trial, keys).produce(12)
  await trial.runs.waitForDone(300)
  await trial.killAndRestart()
  await trial.settle(40_000)
  return await trial.judge()
}

/** A second gateway joins the group while the first has much in its hands, and takes partitions from it. */
export const rebalancedOnKafka: Workload = async edits => {
  const topic = await createTrialTopic()
  const options = { functionEnvironment: { WORK_MS: '20' }, ...planted(edits) }
  await using first = await kafkaTrial(topic, options)
  assertPlanted(first.gateway.process, edits)
  await new TrialProducer(topic, first, keys).produce(30)
  await first.runs.waitForDone(200)
  await using second = await kafkaTrial(topic, {
    ...options,
    functionEnvironment: { ...options.functionEnvironment, JOURNAL: first.runs.file },
  })
  for (const trial of [first, second]) await trial.settle(60_000)
  // What the first had in its hands runs again, and may do so while it ends there.
  return await first.judge({ isOrdered: false, otherRepeats: Infinity })
}
