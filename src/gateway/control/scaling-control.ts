import type { ScalingControl } from '../../api/scaling-control.ts'
import type { ScaledVersionView, ScalingInputsView } from '../../api/views/scaling-view.ts'
import type { ScalingStatus } from '../../controller/controller.ts'
import { pointIntervalMs, type ScalingInputs } from '../../controller/scaling-history.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { GatewayView } from '../gateway-view.ts'

/** What the controller decides and why, as the API shows it. */
export function createScalingControl({ engines }: GatewayView): ScalingControl {
  const { controller } = engines
  return {
    scaling: ({ limit, ...query }) =>
      Promise.resolve({
        atMs: Date.now(),
        ...controller.machine,
        versions: controller
          .statuses()
          .map(scaledVersionOf)
          .filter(
            row =>
              (query.function === undefined || row.function === query.function) &&
              (query.version === undefined || row.version === query.version),
          )
          .sort((a, b) => a.function.localeCompare(b.function) || a.version.localeCompare(b.version)),
        decisions: controller.history
          .events(query)
          .slice(0, limit)
          .map(({ inputs, ...event }) => ({ ...event, inputs: inputs === undefined ? null : inputsOf(inputs) })),
      }),
    scalingSeries({ windowMs, ...query }) {
      const atMs = Date.now()
      const series = controller.history.series({ ...query, fromMs: atMs - windowMs }).map(line => ({
        ...line,
        points: line.points.map(({ waiting, arrivalsPerS, completedPerS, ...point }) => ({
          ...point,
          waiting: waiting ?? null,
          arrivalsPerS: rounded(arrivalsPerS),
          completedPerS: rounded(completedPerS),
        })),
      }))
      return Promise.resolve({ atMs, windowMs, intervalMs: pointIntervalMs, series })
    },
    externalMetric() {
      const wanted = controller.wantedNodes()
      if (wanted === undefined) {
        const message = 'the lag of some version is not known, so the number of nodes is to be held'
        return Promise.reject(new SluiceError('SLUICE_CONTROLLER_UNKNOWN_LAG', message))
      }
      const { nodes, reason } = wanted
      const value = Math.ceil(nodes * 1000) / 1000
      return Promise.resolve({
        kind: 'ExternalMetricValueList',
        apiVersion: 'external.metrics.k8s.io/v1beta1',
        metadata: {},
        items: [
          {
            metricName: 'sluice_wanted_nodes',
            metricLabels: {},
            timestamp: new Date().toISOString(),
            value: `${Math.ceil(nodes * 1000)}m`,
          },
        ],
        value,
        nodes: Math.ceil(value),
        reason,
      })
    },
  }
}

function scaledVersionOf({ pool, reason, inputs, received }: ScalingStatus): ScaledVersionView {
  const { name, version, scaling, memoryMiB } = pool.version
  const { state, permits, workers, busy, problem, succeeded, failed, handlerMs, cpuMs, coldStarts } = pool.stats()
  return {
    ...{ function: name, version, state, permitted: permits, workers, busy, reason, policy: scaling, memoryMiB },
    problem: problem ?? null,
    inputs: inputs === undefined ? null : inputsOf(inputs),
    totals: { received, succeeded, failed, handlerMs, cpuMs, coldStarts },
  }
}

/** What is not known is null, which never means zero. */
function inputsOf({ waiting, limit, ...rest }: ScalingInputs): ScalingInputsView {
  return {
    ...rest,
    waiting: waiting ?? null,
    arrivalsPerS: rounded(rest.arrivalsPerS),
    completedPerS: rounded(rest.completedPerS),
    serviceTimeMs: known(rest.serviceTimeMs),
    cpuShare: known(rest.cpuShare),
    failureShare: known(rest.failureShare),
    limit: limit ?? null,
  }
}

const known = (value: number | undefined): number | null => (value === undefined ? null : rounded(value))

/** More digits say nothing. */
const rounded = (value: number): number => Number(value.toPrecision(4))
