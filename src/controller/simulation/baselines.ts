import { createKedaScaler } from './keda-scaler.ts'
import { createNumaflowScaler } from './numaflow-scaler.ts'
import type { CreateScaler } from './scaler.ts'
import { createSluiceScaler } from './sluice-scaler.ts'

/**
 * Who is compared, by the name that `--scaler` takes. The tuned ones are the best of a search over step, sine and spike
 * of a function that waits (`bench/controller/search-baselines.ts`), within what their users can set.
 */
export const scalers: Readonly<Record<string, CreateScaler>> = {
  sluice: createSluiceScaler(),
  keda: createKedaScaler('KEDA'),
  'keda-tuned': createKedaScaler('KEDA, tuned', {
    lagThreshold: 1,
    pollingIntervalS: 1,
    cooldownPeriodS: 60,
    scaleDownStabilisationS: 300,
  }),
  numaflow: createNumaflowScaler('Numaflow'),
  'numaflow-tuned': createNumaflowScaler('Numaflow, tuned', {
    lookbackS: 15,
    scaleUpCooldownS: 0,
    scaleDownCooldownS: 0,
    targetProcessingS: 8,
    replicasPerScale: 32,
  }),
}
