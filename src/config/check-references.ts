import { messageOf } from '../errors/sluice-error.ts'
import { compileFilter } from '../events/filter.ts'
import type { Filter } from '../events/filter-schema.ts'
import { compileMapping } from '../events/mapping.ts'
import { checkDefinition } from './check-definition.ts'
import { checkTriggerDelivery } from './check-trigger-delivery.ts'
import { scheduleProblems } from './cron-schedule.ts'
import { didYouMean } from './did-you-mean.ts'
import { parseFunctionRef } from './function-ref.ts'
import type { ConfigFile } from './schema.ts'
import type { ScheduleSourceConfig } from './sections/schedule-source.ts'

/** Reports a problem or a warning at a path of the file. */
export type ReportAt = (path: readonly (string | number)[], message: string) => void

/** A stream as the file implies it: who writes it. */
export interface StreamUse {
  readonly kind: 'home' | 'kafka'
  /** The Kafka source it is, or undefined. */
  readonly source?: string
  readonly topic?: string
}

/** Streams and triggers of asynchronous invocations. */
export const reservedPrefix = 'invocations-'

/** Paths of the gateway's own: a source there would never be reached. */
const reservedPath = /^\/(v1|healthz|readyz|metrics)(\/|$)/

/** Every stream that the file declares or implies. Sources that are off still make theirs: triggers may read what is kept. */
export function streamsOf(file: ConfigFile): ReadonlyMap<string, StreamUse> {
  const streams = new Map<string, StreamUse>(Object.keys(file.streams).map(name => [name, { kind: 'home' }]))
  for (const [name, source] of Object.entries(file.sources)) {
    const stream = source.stream ?? name
    if (source.type === 'kafka') {
      if (!streams.has(stream)) streams.set(stream, { kind: 'kafka', source: name, topic: source.topic })
    } else if (!isReplying(source) && !streams.has(stream)) streams.set(stream, { kind: 'home' })
  }
  return streams
}

/** An HTTP source that answers with a function's result feeds no stream. */
export function isReplying(source: ConfigFile['sources'][string]): boolean {
  return source.type === 'http' && source.reply !== undefined
}

/**
 * Checks what one field says of another. Pure: it reports and changes nothing. Of a file with problems it takes what is
 * there: a field that is wrong in itself is absent, and was reported.
 */
export function checkReferences(file: ConfigFile, problem: ReportAt, warn: ReportAt): void {
  const streams = streamsOf(file)
  checkSources(file, problem)
  checkExposure(file, problem)
  checkDefinitions(file, problem)
  for (const section of ['streams', 'sources', 'triggers'] as const)
    for (const name of Object.keys(file[section]))
      if (name.startsWith(reservedPrefix))
        problem([section, name], `names that begin with ${reservedPrefix} belong to the gateway itself`)

  for (const [name, sink] of Object.entries(file.sinks)) {
    if (sink === undefined) continue
    if (sink.type === 'stream') {
      const stream = streams.get(sink.stream)
      const path = ['sinks', name, 'stream']
      if (stream === undefined) {
        if (isGiven(sink.stream)) problem(path, unknown('stream', sink.stream, streams.keys()))
      } else if (stream.kind === 'kafka') {
        problem(
          path,
          `the stream '${sink.stream}' is the Kafka topic ${stream.topic}, which others write; use a kafka sink`,
        )
      }
    }
    if (sink.type === 'mqtt' && sink.broker === undefined && !file.mqtt.enabled) {
      problem(['sinks', name], 'publishes to the embedded broker, but mqtt.enabled is false')
    }
  }

  for (const [name, trigger] of Object.entries(file.triggers)) {
    const at = (...path: (string | number)[]) => ['triggers', name, ...path]
    const { filter } = trigger
    if (filter !== undefined) reportThrown(at('filter'), () => compileFilter(filter as Filter), problem)
    const stream = streams.get(trigger.stream)
    if (stream === undefined && isGiven(trigger.stream)) {
      const source = file.sources[trigger.stream]
      const replying =
        source !== undefined && isReplying(source) ? '; the source of that name replies and keeps nothing' : ''
      problem(at('stream'), unknown('stream', trigger.stream, streams.keys()) + replying)
    }
    checkFunctionRef(file, at('function'), trigger.function, problem)
    for (const { path, message } of checkTriggerDelivery(trigger)) problem(at(...path), message)
    for (const [index, sinkName] of trigger.sinks.entries()) {
      const sink = file.sinks[sinkName]
      if (sink === undefined) {
        if (isGiven(sinkName) && !Object.hasOwn(file.sinks, sinkName))
          problem(at('sinks', index), unknown('sink', sinkName, Object.keys(file.sinks)))
      } else if (sink.type === 'kafka' && stream?.kind === 'kafka' && stream.topic === sink.topic) {
        warn(at('sinks', index), `writes to the topic ${sink.topic} that the trigger reads: results become its input`)
      } else if (sink.type === 'stream' && sink.stream === trigger.stream) {
        warn(at('sinks', index), `writes to the stream ${sink.stream} that the trigger reads: results become its input`)
      }
    }
  }
}

/**
 * A function of the file has its latest version alone. One that comes by the API may not be there yet: it is written with
 * a version or alias, so that a slip of the pen in the name of a function of the file is still seen.
 */
function checkFunctionRef(
  file: ConfigFile,
  path: readonly (string | number)[],
  text: string | undefined,
  problem: ReportAt,
): void {
  const ref = isGiven(text) ? parseFunctionRef(text) : undefined
  if (text === undefined || ref === undefined) return
  if (Object.hasOwn(file.functions, ref.name)) {
    if (ref.version.kind !== 'latest') {
      problem(
        path,
        `the function '${ref.name}' is one of this file and has no versions and aliases; write '${ref.name}'`,
      )
    }
  } else if (!text.includes('@')) {
    const hint = `; a function that comes by the API is written with a version: '${ref.name}@latest'`
    problem(path, unknown('function', text, Object.keys(file.functions)) + hint)
  }
}

/** Without authentication a listener is for this machine only, unless somebody says so out loud. */
function checkExposure(file: ConfigFile, problem: ReportAt): void {
  const { http, mqtt, api } = file
  if (isGiven(http?.host) && !isLoopback(http.host) && !http.insecure && api?.token === undefined) {
    const remedy = 'set api.token, or http.insecure: true if something else guards it'
    problem(['http', 'host'], `${http.host} is reachable by others and the API has no authentication; ${remedy}`)
  }
  if (isGiven(mqtt?.host) && mqtt.enabled && !isLoopback(mqtt.host) && !mqtt.insecure && mqtt.users?.length === 0) {
    const remedy = 'set mqtt.users, or mqtt.insecure: true if something else guards it'
    problem(['mqtt', 'host'], `${mqtt.host} is reachable by others and the broker has no users; ${remedy}`)
  }
}

const isLoopback = (host: string): boolean => /^(localhost|127(\.\d+){3}|::1)$/i.test(host)

/** A field that is wrong in itself is absent, and was reported. */
function schedulesIn(source: ScheduleSourceConfig): ReturnType<typeof scheduleProblems> {
  const { cron, timezone = 'UTC', eventType = 'tick', ...rest } = source
  return isGiven(cron) ? scheduleProblems({ cron, timezone, eventType, ...rest }) : []
}

/** Filters and mappings have rules that no schema tells; who compiles them says what is wrong. */
function reportThrown(path: readonly (string | number)[], compile: () => unknown, problem: ReportAt): void {
  try {
    compile()
  } catch (error) {
    problem(path, messageOf(error))
  }
}

function checkSources(file: ConfigFile, problem: ReportAt): void {
  const byPath = new Map<string, string>()
  const byKafkaStream = new Map<string, string>()
  for (const [name, source] of Object.entries(file.sources)) {
    const at = (...path: (string | number)[]) => ['sources', name, ...path]
    if (source.type === 'schedule') {
      for (const { field, message } of schedulesIn(source)) problem(at(field), message)
      continue
    }
    const { mapping, type } = source
    if (mapping !== undefined) reportThrown(at('mapping'), () => compileMapping(mapping, type), problem)
    const stream = source.stream ?? name
    if (source.type === 'kafka') {
      const other = byKafkaStream.get(stream)
      if (Object.hasOwn(file.streams, stream)) {
        problem(at('stream'), `the stream '${stream}' is a home stream (streams.${stream}); a topic is read in place`)
      } else if (other !== undefined) {
        problem(at('stream'), `the stream '${stream}' is already the topic of the source '${other}'`)
      } else byKafkaStream.set(stream, name)
    }
    if (source.type === 'mqtt' && source.broker === undefined && source.enabled && !file.mqtt.enabled) {
      problem(at(), 'reads from the embedded broker, but mqtt.enabled is false; give it a `broker:` of its own')
    }
    if (source.type === 'http') {
      const other = byPath.get(source.path)
      if (reservedPath.test(source.path)) problem(at('path'), `${source.path} belongs to the gateway itself`)
      else if (other !== undefined) problem(at('path'), `the source '${other}' has the same path`)
      else byPath.set(source.path, name)
      const replies = source.reply?.function
      if (replies !== undefined) checkFunctionRef(file, at('reply', 'function'), replies, problem)
    }
  }
  for (const [name, source] of Object.entries(file.sources)) {
    if (source.type === 'kafka' || isReplying(source)) continue
    const owner = byKafkaStream.get(source.stream ?? name)
    if (owner !== undefined) {
      problem(['sources', name, 'stream'], `the stream is the topic of the Kafka source '${owner}', which others write`)
    }
  }
}

/** What functions say of secrets, bindings and themselves, and bindings of secrets. */
function checkDefinitions(file: ConfigFile, problem: ReportAt): void {
  const around = { secrets: new Map(entriesOf(file.secrets)), bindings: new Map(entriesOf(file.bindings)) }
  for (const [name, definition] of entriesOf(file.functions)) {
    const { secrets, bindings, scaling } = definition
    const sound = {
      ...definition,
      secrets: Object.fromEntries(entriesOf(secrets)),
      bindings: Object.fromEntries(entriesOf(bindings).filter(([, { use }]) => isGiven(use))),
      scaling: scaling ?? { minWorkers: 0 },
    }
    for (const { path, message } of checkDefinition(sound, around)) problem(['functions', name, ...path], message)
  }
  for (const [name, binding] of around.bindings) {
    if (binding.type !== 'http' || binding.bearer === undefined || around.secrets.has(binding.bearer)) continue
    problem(['bindings', name, 'bearer'], unknown('secret', binding.bearer, around.secrets.keys()))
  }
}

/** Entries without those that are wrong in themselves: they are absent, and were reported. */
const entriesOf = <Value>(record: Readonly<Record<string, Value>> | undefined): [string, Value][] =>
  Object.entries(record ?? {}).filter(([, value]) => value !== undefined)

const isGiven = (name: string | undefined): name is string => typeof name === 'string'

const unknown = (kind: string, name: string, known: Iterable<string>): string =>
  `there is no ${kind} '${name}'${didYouMean(name, known)}`
