import { Readable } from 'node:stream'
import fc from 'fast-check'
import type { TSchema } from 'typebox'
import type { GatewayControl } from '../../../src/api/gateway-control.ts'
import { aliasView, shadowReport } from '../../../src/api/views/alias-view.ts'
import { deadLetterDeletion, deadLetterPage, deadLetterView } from '../../../src/api/views/dead-letter-view.ts'
import { functionSummary, functionView } from '../../../src/api/views/function-view.ts'
import { gatewayHealth, sinkView, sourceView, streamView } from '../../../src/api/views/gateway-view.ts'
import { acceptedInvocation } from '../../../src/api/views/invocation-view.ts'
import { leaseView } from '../../../src/api/views/lifetime-view.ts'
import { logLineView, logPage } from '../../../src/api/views/log-view.ts'
import { overviewView } from '../../../src/api/views/overview-view.ts'
import { pauseEntry } from '../../../src/api/views/pause-view.ts'
import { externalMetricView, scalingSeriesView, scalingView } from '../../../src/api/views/scaling-view.ts'
import { redrivePlan, redriveView } from '../../../src/api/views/redrive-view.ts'
import { dropView } from '../../../src/api/views/drop-view.ts'
import { seekView } from '../../../src/api/views/seek-view.ts'
import { statsView } from '../../../src/api/views/stats-view.ts'
import { triggerView } from '../../../src/api/views/trigger-view.ts'
import { recentEventPage } from '../../../src/api/views/recent-event-view.ts'
import { codeContentView, versionView } from '../../../src/api/views/version-view.ts'
import { whyView } from '../../../src/api/views/why-view.ts'
import { list, namePage } from '../../../src/api/views/view-schema.ts'
import type { ErrorCode } from '../../../src/errors/error-codes.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { arbitraryOf, type Json } from './schema-arbitrary.ts'

/** Errors of the controls, as their interfaces document them. */
const reading: readonly ErrorCode[] = ['SLUICE_FUNCTIONS_NOT_FOUND', 'SLUICE_API_NOT_FOUND', 'SLUICE_STORE_FAILED']
const changing: readonly ErrorCode[] = [
  ...reading,
  'SLUICE_REGISTRY_MANAGED',
  'SLUICE_REGISTRY_REVISION',
  'SLUICE_REGISTRY_WRITE',
  'SLUICE_REGISTRY_CLOSED',
  'SLUICE_STORE_WRITE',
]
const listing: readonly ErrorCode[] = ['SLUICE_STORE_FAILED']

/** The different values of a view that are answered in turn. */
const samplesOfView = 40

/**
 * A gateway that answers every call with some view that its schema allows, or with an error that the interface documents.
 * Nothing of it is true; all of it is possible.
 */
export function createViewControl(seed: number): GatewayControl {
  let turn = 0
  const pools = new Map<TSchema, unknown[]>()
  const sample = (schema: TSchema): unknown => {
    let pool = pools.get(schema)
    if (pool === undefined) {
      pool = fc.sample(arbitraryOf(schema as unknown as Json), { numRuns: samplesOfView, seed })
      pools.set(schema, pool)
    }
    return pool[turn++ % pool.length]
  }
  const fail = (codes: readonly ErrorCode[]): void => {
    turn++
    if (turn % 3 !== 0) return
    const code = codes[Math.floor(turn / 3) % codes.length]!
    throw new SluiceError(code, `it happens: ${code}`, { details: turn % 2 === 0 ? { retryAfterS: turn / 7 } : {} })
  }
  const view = (schema: TSchema, codes: readonly ErrorCode[]) => async (): Promise<never> => {
    fail(codes)
    return sample(schema) as never
  }
  const items = (schema: TSchema, codes: readonly ErrorCode[]) => {
    const page = list(schema)
    return async (): Promise<never> => {
      fail(codes)
      return (sample(page) as { items: unknown }).items as never
    }
  }
  const put =
    (schema: TSchema, ...codes: ErrorCode[]) =>
    async (): Promise<never> => {
      fail([...changing, ...codes])
      return { created: turn % 2 === 0, view: sample(schema) } as never
    }
  const change =
    (...codes: ErrorCode[]) =>
    async (): Promise<void> =>
      fail([...changing, ...codes])

  const invoking: readonly ErrorCode[] = [
    ...reading,
    'SLUICE_FUNCTIONS_DISABLED',
    'SLUICE_EVENTS_INVALID',
    'SLUICE_EVENTS_UNSUPPORTED_TYPE',
  ]
  const starting: readonly ErrorCode[] = [
    ...reading,
    'SLUICE_STORE_NOT_REDRIVABLE',
    'SLUICE_STORE_REDRIVING',
    'SLUICE_DISPATCH_UNRESOLVED',
  ]
  return {
    functions: view(namePage(functionSummary), listing),
    function: view(functionView, reading),
    putFunction: put(functionView, 'SLUICE_FUNCTIONS_ARTIFACT', 'SLUICE_FUNCTIONS_LOAD', 'SLUICE_REGISTRY_INVALID'),
    deleteFunction: change('SLUICE_REGISTRY_IN_USE'),
    enableFunction: view(functionView, changing),
    functionCode: view(codeContentView, reading),
    versions: items(versionView, reading),
    version: view(versionView, reading),
    publishVersion: put(versionView),
    deleteVersion: change('SLUICE_REGISTRY_IN_USE'),
    aliases: items(aliasView, reading),
    alias: view(aliasView, reading),
    putAlias: put(aliasView, 'SLUICE_REGISTRY_INVALID'),
    deleteAlias: change('SLUICE_REGISTRY_IN_USE'),
    startRollout: view(aliasView, [...changing, 'SLUICE_REGISTRY_ROLLOUT', 'SLUICE_REGISTRY_INVALID']),
    abortRollout: view(aliasView, [...changing, 'SLUICE_REGISTRY_ROLLOUT']),
    shadowReport: view(shadowReport, reading),
    triggers: view(namePage(triggerView), listing),
    trigger: view(triggerView, reading),
    putTrigger: put(triggerView, 'SLUICE_REGISTRY_INVALID', 'SLUICE_SINKS_FORBIDDEN'),
    deleteTrigger: change(),
    pauseTrigger: view(triggerView, ['SLUICE_API_NOT_FOUND', 'SLUICE_STORE_WRITE']),
    resumeTrigger: view(triggerView, ['SLUICE_API_NOT_FOUND', 'SLUICE_STORE_WRITE']),
    pauses: items(pauseEntry, listing),
    pause: items(pauseEntry, ['SLUICE_FUNCTIONS_NOT_FOUND', 'SLUICE_API_NOT_FOUND', 'SLUICE_STORE_WRITE']),
    endPause: view(pauseEntry, ['SLUICE_API_NOT_FOUND', 'SLUICE_STORE_WRITE']),
    dropParked: view(dropView, [
      'SLUICE_API_NOT_FOUND',
      'SLUICE_DISPATCH_NOT_PAUSED',
      'SLUICE_DISPATCH_PLACE',
      'SLUICE_STORE_WRITE',
    ]),
    seekTrigger: view(seekView, [
      'SLUICE_API_NOT_FOUND',
      'SLUICE_DISPATCH_NOT_PAUSED',
      'SLUICE_DISPATCH_PLACE',
      'SLUICE_LOG_OUT_OF_RANGE',
      'SLUICE_LOG_UNAVAILABLE',
    ]),
    deadLetters: view(deadLetterPage, reading),
    why: view(whyView, ['SLUICE_API_NOT_FOUND', 'SLUICE_STORE_FAILED']),
    recentEvents: view(recentEventPage, ['SLUICE_API_NOT_FOUND', 'SLUICE_STORE_FAILED']),
    deadLetter: view(deadLetterView, reading),
    async exportDeadLetters() {
      fail(reading)
      return Readable.from([sample(deadLetterView), sample(deadLetterView)]) as AsyncIterable<never>
    },
    deleteDeadLetter: async () => fail([...reading, 'SLUICE_STORE_REDRIVING', 'SLUICE_STORE_WRITE']),
    deleteDeadLetters: view(deadLetterDeletion, [...reading, 'SLUICE_STORE_WRITE']),
    planRedrive: view(redrivePlan, starting),
    startRedrive: view(redriveView, [...starting, 'SLUICE_STORE_WRITE']),
    redrives: items(redriveView, reading),
    redrive: view(redriveView, reading),
    cancelRedrive: view(redriveView, [...reading, 'SLUICE_STORE_WRITE']),
    // It takes no precondition.
    renew: view(leaseView, [
      ...changing.filter(code => code !== 'SLUICE_REGISTRY_REVISION'),
      'SLUICE_REGISTRY_INVALID',
    ]),
    stats: view(statsView, reading),
    logs: view(logPage, reading),
    followLogs(_name, _filter, onLines) {
      const timer = setInterval(() => onLines([sample(logLineView) as never]), 1)
      return () => clearInterval(timer)
    },
    async invoke() {
      fail([
        ...invoking,
        'SLUICE_DISPATCH_OVERLOADED',
        'SLUICE_DISPATCH_STOPPED',
        'SLUICE_WORKERS_QUARANTINED',
        'SLUICE_HTTP_FUNCTION_FAILED',
        'SLUICE_HTTP_FUNCTION_TIMEOUT',
        'SLUICE_SINKS_REPLY_INVALID',
      ])
      const status = [200, 204, 302, 418, 599][turn % 5]!
      return {
        status,
        headers: { 'x-odd': 'é' },
        body: Buffer.from([turn % 256, 255]),
        version: 'latest',
        durationMs: 1,
        logs: [sample(logLineView) as never],
      }
    },
    invokeAsync: view(acceptedInvocation, [
      ...invoking,
      'SLUICE_LOG_FULL',
      'SLUICE_LOG_CLOSED',
      'SLUICE_LOG_RECORD_TOO_LARGE',
    ]),
    overview: view(overviewView, listing),
    sources: items(sourceView, listing),
    streams: items(streamView, listing),
    sinks: items(sinkView, listing),
    scaling: view(scalingView, listing),
    scalingSeries: view(scalingSeriesView, listing),
    externalMetric: view(externalMetricView, ['SLUICE_CONTROLLER_UNKNOWN_LAG']),
    health: () => sample(gatewayHealth) as never,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'sluice_up 1\n' }),
  }
}
