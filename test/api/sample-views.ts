import type { FunctionDefinition } from '../../src/config/sections/function-definition.ts'
import type { AliasView } from '../../src/api/views/alias-view.ts'
import type { DeadLetterView } from '../../src/api/views/dead-letter-view.ts'
import type { FunctionSummary, FunctionView } from '../../src/api/views/function-view.ts'
import type { PauseInput } from '../../src/api/pause-control.ts'
import type { LogLineView } from '../../src/api/views/log-view.ts'
import type { RedriveView } from '../../src/api/views/redrive-view.ts'
import type { ScalingInputsView, ScalingView } from '../../src/api/views/scaling-view.ts'
import type { OverviewView } from '../../src/api/views/overview-view.ts'
import type { StatsView } from '../../src/api/views/stats-view.ts'
import type { PauseEntry, PauseTarget } from '../../src/api/views/pause-view.ts'
import type { PauseView, TriggerView } from '../../src/api/views/trigger-view.ts'
import type { SeekView } from '../../src/api/views/seek-view.ts'
import type { VersionView } from '../../src/api/views/version-view.ts'

export const sampleDefinition: FunctionDefinition = {
  labels: { team: 'billing' },
  runtime: 'nodejs',
  handler: 'default',
  environment: {},
  secrets: { TOKEN: 'shop-token' },
  bindings: {},
  timeoutMs: 30_000,
  concurrency: 8,
  memoryMiB: 128,
  maxResultBytes: 1_048_576,
  retry: { maxAttempts: 5, initialDelayMs: 200, maxDelayMs: 30_000, jitter: 0.2 },
  scaling: { minWorkers: 0, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
}

const code = { kind: 'artifact', hash: 'c0de', bytes: 10, files: [{ name: 'index.mjs', bytes: 10 }] } as const

export const versionViewOf = (name: string, version: number): VersionView => ({
  function: name,
  version,
  hash: `hash-${version}`,
  codeHash: 'c0de',
  description: '',
  labels: {},
  createdAtMs: 1,
  code,
  definition: sampleDefinition,
})

export const aliasViewOf = (name: string, alias: string, revision = 4): AliasView => ({
  function: name,
  name: alias,
  description: '',
  weights: [{ version: 3, weight: 100 }],
  shadow: { version: 2, percent: 10 },
  rollout: {
    id: 'r1',
    state: 'completed',
    from: [{ version: 2, weight: 100 }],
    to: 3,
    steps: [10, 100],
    stepMs: 1_000,
    bounds: { maxErrorRate: 0.1, minInvocations: 20 },
    step: 1,
    stepSinceMs: 2,
    startedAtMs: 1,
    endedAtMs: 3,
    reason: null,
  },
  problems: ['version 2 is deleted'],
  revision,
  createdAtMs: 1,
  updatedAtMs: 2,
})

export const functionSummaryOf = (name: string, revision = 7): FunctionSummary => ({
  name,
  description: '',
  labels: sampleDefinition.labels,
  enabled: true,
  managedBy: 'api',
  latestHash: 'hash-latest',
  latestPublishedAs: null,
  versionCount: 2,
  lastVersion: 3,
  expiresAtMs: null,
  revision,
  createdAtMs: 1,
  updatedAtMs: 2,
  running: [
    {
      name,
      version: 'latest',
      hash: 'hash-latest',
      state: 'ready',
      timeoutMs: 30_000,
      concurrency: 8,
      minWorkers: 0,
      maxWorkers: 2,
      workers: 1,
      busy: 0,
      succeeded: 5,
      failed: 0,
      coldStarts: 1,
      killed: 0,
      serviceTimeMs: 0.5,
    },
  ],
  aliases: [{ name: 'live', weights: [{ version: 3, weight: 100 }] }],
})

export const functionViewOf = (name: string, revision?: number): FunctionView => ({
  ...functionSummaryOf(name, revision),
  definition: sampleDefinition,
  code,
  versions: [versionViewOf(name, 3), versionViewOf(name, 1)],
  aliases: [aliasViewOf(name, 'live')],
  triggers: [{ name: 'price-orders', functionRef: `${name}@live` }],
})

export const triggerViewOf = (name: string): TriggerView => ({
  name,
  uid: name,
  managedBy: 'api',
  state: 'running',
  stream: 'telemetry',
  function: 'alert',
  functionRef: 'alert@live',
  resolvesTo: [{ version: '3', weight: 100 }],
  problem: null,
  ordering: 'key',
  delivery: 'at-least-once',
  retryMode: 'in-order',
  sinks: ['out'],
  definition: {
    stream: 'telemetry',
    enabled: true,
    function: 'alert@live',
    ordering: 'key',
    start: 'earliest',
    sinks: ['out'],
    maxInFlight: 2_000,
  },
  lag: 12_345,
  inFlight: 3,
  parkedKeys: 1,
  parkedEvents: 2,
  retries: 4,
  delayed: 0,
  succeeded: 5,
  failed: 6,
  deadLetters: 3,
  partitions: [{ partition: 0, committed: null, end: 12_345, lag: 12_345, inFlight: 3 }],
  paused: null,
  breaker: null,
  expiresAtMs: null,
  revision: 9,
  createdAtMs: 1,
  updatedAtMs: 2,
})

export const pauseViewOf = ({ reason, by, expiresAtMs }: PauseInput): PauseView => ({
  reason,
  by,
  sinceMs: 1,
  expiresAtMs: expiresAtMs ?? null,
})

export const seekViewOf = (dryRun: boolean): SeekView => ({
  moved: !dryRun,
  skipped: 7,
  repeated: 0,
  parked: 2,
  notMoved: [],
  partitions: [{ partition: 0, from: 3, to: 10 }],
})

export const pauseEntryOf = (target: PauseTarget, input: PauseInput): PauseEntry => ({
  id: '3f2a9c0d41b75e68',
  ...{ trigger: null, partition: null, key: null, function: null, version: null, source: null },
  ...(target.kind === 'function' || target.kind === 'alias' ? { kind: 'trigger', trigger: 'alerts' } : target),
  state: 'paused',
  ...pauseViewOf(input),
})

export const deadLetterOf = (id: number): DeadLetterView => ({
  id,
  trigger: 'alerts',
  stream: 'telemetry',
  partition: 0,
  offset: id,
  key: 'd1',
  stage: 'handler',
  function: 'alert@latest',
  reason: 'error',
  message: 'too hot',
  attempts: 1,
  failures: [{ attempt: 1, atMs: 0, stage: 'handler', reason: 'error', message: 'too hot', version: 'latest' }],
  redrives: 0,
  redrive: null,
  results: [],
  acceptedAtMs: 0,
  createdAtMs: 0,
  lastAttemptAtMs: 0,
  event: { id: `e${id}`, type: 'reading' },
  headerBase64: null,
  dataBase64: 'e30=',
  dataBytes: 2,
})

/** A redrive that has ended. */
export const redriveOf = (id: number, overrides: Partial<RedriveView> = {}): RedriveView => ({
  id,
  trigger: 'alerts',
  state: 'done',
  filter: { reason: 'timeout' },
  total: 3,
  redriven: 3,
  succeeded: 3,
  failed: 0,
  inFlight: 0,
  guarded: 1,
  ratePerSecond: 100,
  version: '4',
  startedAtMs: 0,
  endedAtMs: 4_200,
  ...overrides,
})

export const logLineOf = (id: number, overrides: Partial<LogLineView> = {}): LogLineView => ({
  id,
  atMs: id,
  function: 'price',
  version: 'latest',
  kind: 'console',
  level: 'info',
  message: `line ${id}`,
  ...overrides,
})

export const statsViewOf = (name: string, version: string, windowMs: number): StatsView => {
  const durations = { meanMs: 1, p50Ms: 1, p95Ms: 2, p99Ms: 3 }
  const figures = {
    version,
    invocations: 1,
    succeeded: 1,
    failures: 0,
    retries: 0,
    deadLetters: 0,
    timeouts: 0,
    coldStarts: 1,
    ...durations,
    queueDelay: { meanMs: null, p50Ms: null, p95Ms: null, p99Ms: null },
    cpuMs: 0.5,
    memoryMiBSeconds: 1.5,
    workerSeconds: 2.5,
  }
  return {
    function: name,
    atMs: 1,
    windowMs,
    intervalMs: 10_000,
    totals: [figures],
    series: [{ atMs: 0, ...figures }],
  }
}

export const scalingInputsOf = (waiting: number | null): ScalingInputsView => ({
  waiting,
  arrivalsPerS: 1_056,
  completedPerS: 740,
  runnableKeys: 320,
  ready: 2,
  busy: 2,
  running: 16,
  concurrency: 8,
  serviceTimeMs: 21.4,
  cpuShare: 0.02,
  failureShare: 0,
  limit: null,
})

/** The version `latest` of a function with two workers on their way to four, and one that has nothing to do. */
export const scalingViewOf = (name: string): ScalingView => {
  const version = {
    function: name,
    version: 'latest',
    state: 'ready',
    permitted: 4,
    workers: 2,
    busy: 2,
    reason: '2→4: 756 waiting + 1,056/s ÷ 374/s per worker, target 2 s',
    problem: null,
    policy: { minWorkers: 0, maxWorkers: 8, targetDrainMs: 2_000, scaleToZeroAfterMs: 60_000 },
    memoryMiB: 128,
    inputs: scalingInputsOf(756),
    totals: { received: 9_000, succeeded: 8_000, failed: 20, handlerMs: 170_000, cpuMs: 3_400, coldStarts: 2 },
  } as const
  const idle = { ...version, version: '3', permitted: 0, workers: 0, busy: 0, inputs: scalingInputsOf(0) }
  return {
    atMs: 1_000,
    cores: 2,
    memoryMiB: 4_096,
    versions: [version, idle],
    decisions: [
      { atMs: 900, function: name, version: 'latest', from: 2, to: 4, reason: version.reason, inputs: version.inputs },
      {
        atMs: 500,
        function: name,
        version: 'latest',
        from: 0,
        to: 1,
        reason: '0→1: the first event waits',
        inputs: null,
      },
    ],
  }
}

export const overviewOf = (fields: Partial<OverviewView> = {}): OverviewView => ({
  atMs: 1_000,
  version: '0.2.0',
  startedAtMs: 0,
  ready: true,
  problems: [],
  problemCount: 0,
  functionCount: 1,
  cores: 2,
  sources: [{ name: 'web', kind: 'http', state: 'running', stream: 'web', accepted: 7, refused: 2 }],
  streams: [{ name: 'web', kind: 'home', partitions: 1, appended: 9, kept: 4, bytes: 100 }],
  triggers: [],
  pools: [],
  sinks: [{ name: 'out', kind: 'mqtt', ready: true }],
  ...fields,
})
