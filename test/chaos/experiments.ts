import type { Experiment } from './experiment.ts'
import { bitFlips } from './log/bit-flips.ts'
import { powerLoss } from './log/power-loss.ts'
import { plantedBugs } from './mutants/planted-bugs.ts'
import { ackAfterSync } from './process/ack-after-sync.ts'
import { clockJumps } from './process/clock-jumps.ts'
import { diskFull } from './process/disk-full.ts'
import { hostCrash } from './process/host-crash.ts'
import { keyedCalls } from './process/keyed-calls.ts'
import { lettersRefused } from './process/letters-refused.ts'
import { mqttClient } from './process/mqtt-client.ts'
import { overload } from './process/overload.ts'
import { pauseKillResume } from './process/pause-kill-resume.ts'
import { pausedKey } from './process/paused-key.ts'
import { poisonEvent } from './process/poison-event.ts'
import { poisonKey } from './process/poison-key.ts'
import { sigkillKafka } from './process/sigkill-kafka.ts'
import { sigkill } from './process/sigkill.ts'
import { sigterm } from './process/sigterm.ts'
import { slowFunction } from './process/slow-function.ts'
import { simulatedRebalances } from '../simulation/rebalances/rebalances-experiment.ts'
import { modelSequences } from '../simulation/sequences/sequences-experiment.ts'
import { simulationExperiment } from '../simulation/simulation-experiment.ts'
import { tornTail } from './log/torn-tail.ts'
import { fairShares } from './scaling/fair-shares.ts'
import { firstEvent } from './scaling/first-event.ts'
import { kafkaScaling } from './scaling/kafka-scaling.ts'
import { scalingSteady } from './scaling/steady.ts'
import { scalingStep } from './scaling/step.ts'
import { scalingTraces } from './scaling/traces.ts'
import { timeouts } from './scaling/timeouts.ts'
import { writeErrors } from './process/write-errors.ts'

/** Every row of `npm run prove`, in the order in which they run. */
export const experiments: readonly Experiment[] = [
  plantedBugs,
  powerLoss,
  simulationExperiment,
  simulatedRebalances,
  modelSequences,
  tornTail,
  bitFlips,
  sigkill,
  sigkillKafka,
  sigterm,
  pauseKillResume,
  ackAfterSync,
  poisonEvent,
  poisonKey,
  pausedKey,
  hostCrash,
  lettersRefused,
  clockJumps,
  mqttClient,
  diskFull,
  writeErrors,
  slowFunction,
  overload,
  keyedCalls,
  scalingTraces,
  scalingSteady,
  scalingStep,
  firstEvent,
  fairShares,
  timeouts,
  kafkaScaling,
]
