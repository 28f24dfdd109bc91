import type { GatewayHealth, HealthPart } from '../api/views/gateway-view.ts'
import type { GatewayView } from './gateway-view.ts'

/**
 * What /healthz and /readyz tell. Ready means that every part that has to run runs; a broker that is away makes the
 * gateway not ready, while everything that does not need it goes on.
 */
export function healthOf(view: GatewayView): GatewayHealth {
  const { state, failure } = view.state()
  const parts: HealthPart[] = [
    {
      name: 'gateway',
      state,
      ready: state === 'running',
      ...(failure === undefined ? {} : { detail: failure.message }),
    },
  ]
  for (const [name, source] of view.sources) {
    const { state: sourceState, detail } = source.stats()
    parts.push({
      name: `source:${name}`,
      state: sourceState,
      // A pause is somebody's wish, not a fault.
      ready: sourceState === 'running' || sourceState === 'paused',
      ...(detail === undefined ? {} : { detail }),
    })
  }
  for (const { version, dispatch } of view.engines.all) {
    const { state: poolState } = dispatch.pool
    const name = version.version === 'latest' ? version.name : `${version.name}@${version.version}`
    parts.push({ name: `function:${name}`, state: poolState, ready: poolState !== 'quarantined' })
  }
  for (const sink of view.sinks.values()) {
    const { ready, detail } = sink.health()
    parts.push({
      name: `sink:${sink.name}`,
      state: ready ? 'ready' : 'impaired',
      ready,
      ...(detail === undefined ? {} : { detail }),
    })
  }
  for (const [name, { dispatch }] of view.triggers.running) {
    const { state: triggerState, problem } = dispatch
    parts.push({
      name: `trigger:${name}`,
      state: triggerState,
      // A pause is somebody's wish, not a fault; so is a function that is disabled.
      ready: wished.has(triggerState),
      ...(problem === undefined ? {} : { detail: problem }),
    })
  }
  const healthy = failure === undefined
  return { healthy, ready: healthy && parts.every(part => part.ready), parts }
}

const wished: ReadonlySet<string> = new Set(['running', 'paused', 'pausing', 'probing', 'disabled'])
