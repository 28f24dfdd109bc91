import type { GatewayControl, InvokeRequest } from '../../src/api/gateway-control.ts'
import type { DeadLetterView, TriggerView } from '../../src/api/views.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'

/** A gateway without stages: it has one trigger and answers invocations with what it got. */
export function createStubControl(): GatewayControl & {
  ready: boolean
  healthy: boolean
  invocations: InvokeRequest[]
} {
  let trigger: TriggerView = {
    name: 'alerts',
    state: 'running',
    stream: 'telemetry',
    function: 'alert',
    ordering: 'key',
    sinks: ['out'],
    lag: 12_345,
    inFlight: 3,
    parkedKeys: 1,
    parkedEvents: 2,
    retries: 4,
    succeeded: 5,
    failed: 6,
    deadLetters: 3,
    partitions: [{ partition: 0, committed: null, end: 12_345, lag: 12_345, inFlight: 3 }],
    paused: null,
  }
  const find = (name: string): TriggerView => {
    if (name !== trigger.name) throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger '${name}'`)
    return trigger
  }
  return {
    ready: false,
    healthy: true,
    invocations: [],
    triggers: async () => [trigger],
    trigger: async name => (name === trigger.name ? trigger : undefined),
    pauseTrigger: async (name, { reason, by }) => {
      find(name)
      return (trigger = { ...trigger, state: 'paused', paused: { reason, by, sinceMs: 1 } })
    },
    resumeTrigger: async name => {
      find(name)
      return (trigger = { ...trigger, state: 'running', paused: null })
    },
    deadLetters: async (name, { limit, before = 4 }) => {
      find(name)
      const items = [3, 2, 1]
        .filter(id => id < before)
        .slice(0, limit)
        .map(deadLetter)
      const last = items.at(-1)?.id ?? 1
      return { items, total: 3, next: last > 1 ? last : null }
    },
    functions: async () => [],
    sources: async () => [
      { name: 'web', kind: 'http', state: 'running', stream: 'web', accepted: 7, duplicates: 1, refused: { full: 2 } },
    ],
    streams: async () => [{ name: 'web', kind: 'home', partitions: [{ partition: 0, low: 5, end: 9 }], bytes: 100 }],
    sinks: async () => [{ name: 'out', kind: 'mqtt', ready: false, detail: 'nobody\u001b[31m listens' }],
    scaling: async () => [{ atMs: 0, function: 'alert', from: 3, to: 5, reason: '4,120 waiting' }],
    async invoke(name, request) {
      if (name !== 'echo') throw new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', `there is no function '${name}'`)
      if (request.body.toString() === 'full') throw new SluiceError('SLUICE_LOG_FULL', 'no room')
      if (request.body.toString() === 'bug') throw new Error('secret internals')
      this.invocations.push(request)
      return { status: 201, headers: { 'content-type': request.contentType, 'x-function': name }, body: request.body }
    },
    health() {
      return { healthy: this.healthy, ready: this.ready, parts: [{ name: 'log', state: 'open', ready: this.ready }] }
    },
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4', body: 'sluice_up 1\n' }),
  }
}

const deadLetter = (id: number): DeadLetterView => ({
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
  failures: [{ message: 'too hot' }],
  createdAtMs: 0,
  event: { id: `e${id}` },
  dataBase64: 'e30=',
  dataBytes: 2,
})
