import { randomUUID } from 'node:crypto'
import type { InvokeReply, InvokeRequest } from '../api/invocation-control.ts'
import type { AcceptedInvocation } from '../api/views/invocation-view.ts'
import { formatFunctionRef, formatVersionRef, parseFunctionRef, type FunctionRef } from '../config/function-ref.ts'
import { DirectInvocation } from '../dispatch/direct-invocation.ts'
import { pausedError } from '../dispatch/hold.ts'
import { messageOf, SluiceError } from '../errors/sluice-error.ts'
import { eventFromHttp } from '../events/create-event.ts'
import { encodeEventHeader } from '../events/event-header-codec.ts'
import { createHomeEventReader } from '../events/home-event-reader.ts'
import { compileMapping } from '../events/mapping.ts'
import type { Registry } from '../registry/registry.ts'
import { replyOf } from '../sinks/reply/reply.ts'
import type { InvokeFunction, InvokeOutcome } from '../sources/http/invoke-function.ts'
import type { Acceptance, IncomingEvent } from '../sources/source.ts'
import { attribute } from '../telemetry/attributes.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Feed, InvocationOutcome } from '../workers/invocation.ts'
import { versionExtension } from './fleet/async-invocations.ts'
import type { FunctionRoutes } from './fleet/function-routes.ts'
import type { RefTargets } from './fleet/ref-targets.ts'
import type { VersionEngine } from './fleet/version-engines.ts'
import type { FunctionLogs } from './function-logs.ts'
import { Refusals } from './refusals.ts'
import { logLineViewOf } from './views/log-views.ts'

export interface InvokeParts {
  readonly registry: Registry
  readonly routes: FunctionRoutes
  /** Keeps an event for a function, durably. */
  readonly accept: (functionName: string, event: IncomingEvent) => Promise<{ readonly stream: string } & Acceptance>
  readonly logs: FunctionLogs
  readonly tracer: Tracer
}

interface Ran {
  readonly engine: VersionEngine
  readonly outcome: InvocationOutcome
}

const mapping = compileMapping({}, 'http')
const directFeed: Feed = { trigger: '', stream: '', reader: createHomeEventReader(), headerDefaults: {} }

/** Invocations past all sources: for HTTP sources that reply, and for the API. */
export class Invoke {
  readonly #parts: InvokeParts
  readonly #refusals = new Refusals()

  constructor(parts: InvokeParts) {
    this.#parts = parts
  }

  /** How many calls were refused, by function and reason. */
  refusals(): ReturnType<Refusals['read']> {
    return this.#refusals.read(name => this.#parts.registry.state.functions.has(name))
  }

  /** What an HTTP source with `reply` calls. */
  replyOf(text: string): InvokeFunction {
    const ref = parseFunctionRef(text) as FunctionRef
    return async event => {
      try {
        return outcomeOf((await this.#run(ref, event, randomUUID(), false)).outcome)
      } catch (thrown) {
        const error = SluiceError.from(thrown)
        if (error.code === 'SLUICE_DISPATCH_OVERLOADED') return { kind: 'overloaded' }
        if (error.code === 'SLUICE_DISPATCH_LIMITED') throw inMilliseconds(error)
        if (unavailable.has(error.code)) return { kind: 'unavailable', detail: error.message }
        throw error
      }
    }
  }

  /** @throws {SluiceError} as InvocationControl.invoke says. */
  async direct(name: string, request: InvokeRequest): Promise<InvokeReply> {
    const ref = { name, version: request.version }
    const event = eventOf(name, request)
    const invocationId = randomUUID()
    const collected = request.logs ? this.#parts.logs.collect(invocationId) : undefined
    const startedAt = performance.now()
    try {
      const { engine, outcome } = await this.#run(ref, event, invocationId, true)
      const shown = formatFunctionRef(ref)
      if (outcome.kind === 'not-started') {
        const { pauseRecord: pause } = engine.dispatch
        if (pause !== undefined) throw pausedError(name, engine.version.version, pause)
        throw new SluiceError(
          'SLUICE_DISPATCH_STOPPED',
          `function ${shown} was stopped before the call began; try again`,
        )
      }
      if (outcome.kind !== 'succeeded') {
        const { reason, message } = outcome.error
        const code = reason === 'timeout' ? 'SLUICE_HTTP_FUNCTION_TIMEOUT' : 'SLUICE_HTTP_FUNCTION_FAILED'
        const logs = (collected?.take() ?? []).map(line => logLineViewOf({ ...line, id: null }))
        throw new SluiceError(code, `function ${shown}: ${message}`, {
          details: { reason, ...(request.logs ? { logs } : {}) },
        })
      }
      const { status, headers, body } = replyOf(outcome.results)
      return {
        status,
        headers,
        body: typeof body === 'string' ? Buffer.from(body) : (body ?? Buffer.alloc(0)),
        version: engine.version.version,
        durationMs: performance.now() - startedAt,
        logs: (collected?.take() ?? []).map(line => logLineViewOf({ ...line, id: null })),
      }
    } finally {
      collected?.take()
    }
  }

  /** @throws {SluiceError} as InvocationControl.invokeAsync says. */
  async accept(name: string, request: InvokeRequest): Promise<AcceptedInvocation> {
    const ref = { name, version: request.version }
    // What cannot run at all is refused now, not buried later.
    this.#using(ref, targets => this.#assertServes(targets))
    const event = eventOf(name, request)
    const { header, value } = event
    const version = formatVersionRef(request.version)
    const asked = version === 'latest' ? header : withExtension(header, versionExtension, version)
    const { tracer } = this.#parts
    const facts = { [attribute.faasName]: name, [attribute.messagingBodySize]: value.length }
    const span = tracer.enabled ? tracer.receive(header.traceparent, name, facts) : undefined
    try {
      const traced = span === undefined ? asked : { ...asked, traceparent: span.traceparent }
      const { stream, partition, offset } = await this.#parts.accept(name, { header: traced, value })
      span?.end()
      return { id: header.id, stream, partition, offset }
    } catch (thrown) {
      span?.end(messageOf(thrown))
      throw thrown
    }
  }

  /** @param isUndecided whether nobody has decided on sampling yet; the span of an HTTP source has. */
  async #run(ref: FunctionRef, event: IncomingEvent, invocationId: string, isUndecided: boolean): Promise<Ran> {
    const { routes, tracer } = this.#parts
    const targets = this.#borrow(ref)
    try {
      this.#assertServes(targets)
      if (!targets.enabled) throw new SluiceError('SLUICE_FUNCTIONS_DISABLED', `function ${ref.name} is disabled`)
      const engine = choose(targets)
      const { pool } = engine.dispatch
      if (pool.state === 'quarantined') {
        throw new SluiceError(
          'SLUICE_WORKERS_QUARANTINED',
          `function ${ref.name} cannot start: ${pool.stats().problem ?? 'its workers die'}; it is tried again by itself`,
        )
      }
      const facts = () => ({
        [attribute.faasName]: ref.name,
        [attribute.faasVersion]: engine.version.version,
        [attribute.faasTrigger]: 'http',
        [attribute.faasInvocationId]: invocationId,
      })
      const span = tracer.enabled
        ? tracer.process(event.header.traceparent, ref.name, facts, { isUndecided })
        : undefined
      const traceparent = span?.traceparent
      const header = traceparent === undefined ? event.header : { ...event.header, traceparent }
      const { partitionkey } = header
      const record = {
        offset: 0,
        timestampMs: header.acceptedAtMs,
        key: partitionkey === undefined ? null : Buffer.from(partitionkey),
        value: event.value,
        header: encodeEventHeader(header),
        headers: null,
      }
      const invocation = new DirectInvocation(directFeed, record, traceparent, invocationId)
      engine.dispatch.invoke(invocation)
      const outcome = await invocation.outcome
      span?.end('error' in outcome ? outcome.error.message : undefined)
      return { engine, outcome }
    } catch (thrown) {
      this.#refusals.refused(ref.name, SluiceError.from(thrown))
      throw thrown
    } finally {
      routes.giveBack(targets)
    }
  }

  #borrow(ref: FunctionRef): RefTargets {
    const { registry, routes } = this.#parts
    // A name that is not there must not take a place among those that are used.
    if (!registry.state.functions.has(ref.name)) throw notFound(ref.name)
    return routes.borrow(ref)
  }

  #using<T>(ref: FunctionRef, use: (targets: RefTargets) => T): T {
    const targets = this.#borrow(ref)
    try {
      return use(targets)
    } finally {
      this.#parts.routes.giveBack(targets)
    }
  }

  /** @throws {SluiceError} SLUICE_API_NOT_FOUND for a version or alias that is not there, SLUICE_REGISTRY_INVALID for one that cannot run. */
  #assertServes({ targets, problem, ref }: RefTargets): void {
    if (targets.length > 0) return
    const record = this.#parts.registry.state.functions.get(ref.name)
    const { version } = ref
    const isThere =
      version.kind === 'latest' ||
      (version.kind === 'version' ? record?.versions.has(version.version) : record?.aliases.has(version.alias)) === true
    const code = isThere ? 'SLUICE_REGISTRY_INVALID' : 'SLUICE_API_NOT_FOUND'
    throw new SluiceError(code, problem ?? `function ${formatFunctionRef(ref)} cannot run`)
  }
}

/** Sources tell senders in ms when to come again, the API in seconds. */
function inMilliseconds({ code, message, details }: SluiceError): SluiceError {
  return new SluiceError(code, message, { details: { retryAfterMs: Number(details['retryAfterS']) * 1_000 } })
}

const unavailable: ReadonlySet<string> = new Set([
  'SLUICE_API_NOT_FOUND',
  'SLUICE_DISPATCH_STOPPED',
  'SLUICE_FUNCTIONS_DISABLED',
  'SLUICE_FUNCTIONS_NOT_FOUND',
  'SLUICE_FUNCTIONS_PAUSED',
  'SLUICE_REGISTRY_INVALID',
  'SLUICE_WORKERS_QUARANTINED',
])

/** A version by the weights of an alias: each direct invocation is on its own, so chance decides. */
function choose({ targets }: RefTargets): VersionEngine {
  let point = targets.length === 1 ? 0 : Math.random() * 100
  for (const { engine, weight } of targets) {
    if (point < weight) return engine
    point -= weight
  }
  return (targets.at(-1) as RefTargets['targets'][number]).engine
}

function eventOf(name: string, { contentType, headers, body }: InvokeRequest): IncomingEvent {
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
  return event
}

function withExtension(header: IncomingEvent['header'], name: string, value: string): IncomingEvent['header'] {
  return { ...header, extensions: { ...header.extensions, [name]: value } }
}

export function notFound(name: string): SluiceError {
  return new SluiceError('SLUICE_FUNCTIONS_NOT_FOUND', `there is no function ${name}; GET /v1/functions lists them`)
}

function outcomeOf(outcome: InvocationOutcome): InvokeOutcome {
  switch (outcome.kind) {
    case 'succeeded':
      return outcome
    case 'failed':
      return outcome
    case 'suspect':
    case 'batch-failed':
      return { kind: 'failed', error: outcome.error }
    case 'not-started':
      return { kind: 'unavailable', detail: 'it was stopped before the call began; try again' }
  }
}
