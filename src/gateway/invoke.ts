import type { InvokeReply, InvokeRequest } from '../api/invocation-control.ts'
import { SluiceError } from '../errors/sluice-error.ts'
import { eventFromHttp } from '../events/create-event.ts'
import { compileMapping } from '../events/mapping.ts'
import type { FunctionResult } from '../sinks/function-result.ts'
import { replyOf } from '../sinks/reply/reply.ts'
import type { InvokeFunction, InvokeOutcome } from '../sources/http/invoke-function.ts'
import type { IncomingEvent } from '../sources/source.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { InvocationOutcome } from '../workers/invocation.ts'
import type { FunctionEngines } from './function-engines.ts'

export interface Invoke {
  /** What an HTTP source with `reply` calls. */
  replyOf(functionName: string): InvokeFunction
  /** What the API calls. @throws {SluiceError} as GatewayControl.invoke says. */
  direct(functionName: string, request: InvokeRequest): Promise<InvokeReply>
}

const mapping = compileMapping({}, 'http')

/** Synchronous invocation, past all streams. */
export function createInvoke(engines: FunctionEngines, tracer: Tracer): Invoke {
  /** @param isUndecided whether nobody has decided on sampling yet; the span of an HTTP source has. */
  async function run(name: string, event: IncomingEvent, isUndecided: boolean): Promise<InvocationOutcome> {
    const { pool } = engines.get(name)?.dispatch ?? {}
    if (pool?.state === 'quarantined') {
      throw new SluiceError(
        'SLUICE_WORKERS_QUARANTINED',
        `function ${name} cannot start: ${pool.stats().problem ?? 'its workers die'}; it is tried again by itself`,
      )
    }
    const span = tracer.enabled
      ? tracer.process(event.header.traceparent, name, { 'faas.name': name, 'faas.trigger': 'http' }, isUndecided)
      : undefined
    const traced = span === undefined ? event : { ...event, header: { ...event.header, traceparent: span.traceparent } }
    const outcome = await engines.invoke(name, traced, span?.traceparent)
    span?.end(outcome.kind === 'failed' || outcome.kind === 'suspect' ? outcome.error.message : undefined)
    return outcome
  }

  return {
    replyOf: name => async event => {
      try {
        return outcomeOf(await run(name, event, false))
      } catch (thrown) {
        const error = SluiceError.from(thrown)
        if (error.code === 'SLUICE_DISPATCH_OVERLOADED') return { kind: 'overloaded' }
        if (error.code === 'SLUICE_DISPATCH_STOPPED' || error.code === 'SLUICE_WORKERS_QUARANTINED')
          return { kind: 'unavailable', detail: error.message }
        throw error
      }
    },
    async direct(name, { contentType, headers, body }) {
      if (engines.get(name) === undefined)
        throw new SluiceError(
          'SLUICE_FUNCTIONS_NOT_FOUND',
          `there is no function ${name}; GET /v1/functions lists them`,
        )
      const input = {
        method: 'POST',
        path: `/v1/functions/${name}/invocations`,
        query: '',
        headers: { ...headers, 'content-type': contentType },
        body,
      }
      const events = eventFromHttp(input, mapping, { source: '/v1/invocations', type: 'sluice.invocation' })
      const [event] = events
      if (event === undefined || events.length > 1)
        throw new SluiceError('SLUICE_EVENTS_INVALID', 'an invocation takes exactly one event')
      const outcome = await run(name, event, true)
      if (outcome.kind === 'succeeded') return replyOfResults(outcome.results)
      if (outcome.kind === 'not-started')
        throw new SluiceError(
          'SLUICE_DISPATCH_STOPPED',
          `function ${name} was stopped before the call began; try again`,
        )
      const { reason, message } = outcome.error
      const code = reason === 'timeout' ? 'SLUICE_HTTP_FUNCTION_TIMEOUT' : 'SLUICE_HTTP_FUNCTION_FAILED'
      throw new SluiceError(code, `function ${name}: ${message}`, { details: { reason } })
    },
  }
}

function outcomeOf(outcome: InvocationOutcome): InvokeOutcome {
  switch (outcome.kind) {
    case 'succeeded':
      return outcome
    case 'failed':
      return outcome
    case 'suspect':
      return { kind: 'failed', error: outcome.error }
    case 'not-started':
      return { kind: 'unavailable', detail: 'it was stopped before the call began; try again' }
  }
}

function replyOfResults(results: readonly FunctionResult[]): InvokeReply {
  const { status, headers, body } = replyOf(results)
  return { status, headers, body: typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0)) }
}
