import Type, { type Static } from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { Behaviour, FunctionLoad, Load } from './load.ts'
import { rampLoad, sawtoothLoad, sineLoad, spikeLoad, squareLoad, steadyLoad, stepLoad } from './load-shapes.ts'
import { createSchemaCheck } from './schema-check.ts'

const perS = Type.Number({ minimum: 0, maximum: 1_000_000, description: 'Events per second.' })
const seconds = Type.Number({ minimum: 0, maximum: 604_800 })
const period = Type.Number({ exclusiveMinimum: 0, maximum: 604_800, description: 'Seconds.' })
const share = Type.Number({ minimum: 0, maximum: 1 })

/** A value for the whole time, or one per interval. */
const perInterval = (value: ReturnType<typeof Type.Number>, description: string) =>
  Type.Union([value, Type.Array(value, { minItems: 1 })], { description })

const shapeOf = <Name extends string, Fields extends Record<string, ReturnType<typeof Type.Number>>>(
  shape: Name,
  fields: Fields,
) => Type.Object({ shape: Type.Literal(shape), ...fields }, { additionalProperties: false })

const shapeSchema = Type.Union([
  shapeOf('steady', { perS }),
  shapeOf('noisy', { perS, noise: share }),
  shapeOf('step', { fromPerS: perS, toPerS: perS, atS: seconds }),
  shapeOf('ramp', { fromPerS: perS, toPerS: perS, startS: seconds, endS: seconds }),
  shapeOf('sine', { meanPerS: perS, amplitudePerS: perS, periodS: period }),
  shapeOf('sawtooth', { fromPerS: perS, toPerS: perS, periodS: period }),
  shapeOf('square', { lowPerS: perS, highPerS: perS, periodS: period }),
  shapeOf('spike', { perS, peakPerS: perS, startS: seconds, endS: seconds }),
])

const functionLoadSchema = Type.Object(
  {
    function: Type.String({ minLength: 1, maxLength: 128 }),
    arrivals: Type.Union([Type.Array(perS, { minItems: 1 }), shapeSchema], {
      description: 'Events that arrived in each interval, or a shape that makes them up.',
    }),
    serviceTimeMs: perInterval(Type.Number({ exclusiveMinimum: 0, maximum: 3_600_000 }), 'Mean duration of a call.'),
    cpuTimeMs: Type.Optional(Type.Number({ minimum: 0, maximum: 3_600_000, description: 'Default: all of it.' })),
    variation: Type.Number({ minimum: 0, maximum: 5, default: 0.3, description: 'Coefficient of the duration.' }),
    concurrency: Type.Integer({ minimum: 1, maximum: 1000, default: 8 }),
    keys: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000_000, description: 'Default: each event its own.' })),
    hotKeyShare: Type.Optional(share),
    coldStartMs: Type.Number({ minimum: 0, maximum: 600_000, default: 50 }),
    failureShare: Type.Optional(perInterval(share, 'Share of calls that fail.')),
    downstreamPerS: Type.Optional(Type.Number({ exclusiveMinimum: 0, description: 'Calls that its callee can bear.' })),
    memoryMiB: Type.Integer({ minimum: 16, maximum: 16_384, default: 128 }),
  },
  { additionalProperties: false },
)

/** A load as a file holds it: recorded, or made up. */
export const loadFileSchema = Type.Object(
  {
    format: Type.Literal('sluice-load/1'),
    name: Type.String({ minLength: 1, maxLength: 200, default: 'load' }),
    startedAt: Type.Optional(Type.String({ maxLength: 40, description: 'RFC 3339; for warm windows.' })),
    intervalMs: Type.Integer({ minimum: 100, maximum: 3_600_000, default: 1_000, description: 'Of recorded figures.' }),
    durationS: Type.Optional(period),
    functions: Type.Array(functionLoadSchema, { minItems: 1, maxItems: 100 }),
  },
  { additionalProperties: false, description: 'The load of one or more functions over time.' },
)

/** What `sluice record` writes. */
export type LoadFile = Static<typeof loadFileSchema>
type FunctionSection = LoadFile['functions'][number]
type Shape = Static<typeof shapeSchema>

const check = createSchemaCheck(loadFileSchema, 'load')

/** Keeps a simulation within minutes and memory. */
const mostEvents = 50_000_000

/**
 * Reads a parsed load file.
 * @throws {SluiceError} SLUICE_CONTROLLER_SIMULATION naming the fields that are wrong.
 */
export function readLoad(value: unknown): Load {
  const file = check(value) as LoadFile
  const startedAtMs = file.startedAt === undefined ? undefined : Date.parse(file.startedAt)
  if (Number.isNaN(startedAtMs)) throw refused(`load.startedAt: '${file.startedAt}' is no RFC 3339 time`)
  const lengths = file.functions.flatMap(({ arrivals }) => (Array.isArray(arrivals) ? [arrivals.length] : []))
  const recordedMs = Math.max(0, ...lengths) * file.intervalMs
  const durationMs = file.durationS === undefined ? recordedMs : file.durationS * 1000
  if (durationMs === 0) throw refused('load.durationS: is needed where all arrivals are shapes')
  const names = new Set<string>()
  for (const { function: name } of file.functions) {
    if (names.has(name)) throw refused(`load.functions: '${name}' is there twice`)
    names.add(name)
  }
  const functions = file.functions.map(section => functionLoad(section, file.intervalMs, durationMs))
  const events = functions.reduce((sum, load) => sum + expectedEvents(load, durationMs), 0)
  if (events > mostEvents) {
    throw refused(`load: ${Math.round(events / 1e6)} million events are more than a simulation takes (50 million)`)
  }
  return { name: file.name, durationMs, functions, ...(startedAtMs === undefined ? {} : { startedAtMs }) }
}

function functionLoad(section: FunctionSection, intervalMs: number, durationMs: number): FunctionLoad {
  const { function: name, arrivals, serviceTimeMs, failureShare, variation, ...rest } = section
  const behaviour: Behaviour = {
    ...rest,
    serviceTimeMs: overTime(serviceTimeMs, intervalMs),
    variation: variation === 0 ? 'constant' : { coefficient: variation },
    ...(failureShare === undefined ? {} : { failureShare: overTime(failureShare, intervalMs) }),
  }
  if (Array.isArray(arrivals)) {
    const rates = arrivals.map(count => (count / intervalMs) * 1000)
    const perS = (atMs: number): number => rates[Math.floor(atMs / intervalMs)] ?? 0
    return { name, perS, arrivals: 'even', behaviour }
  }
  const [shaped] = loadOf(arrivals, { durationMs, behaviour, function: name }).functions
  return shaped as FunctionLoad
}

function loadOf(shape: Shape, options: Parameters<typeof stepLoad>[3]): Load {
  switch (shape.shape) {
    case 'steady':
      return steadyLoad(shape.perS, 0, options)
    case 'noisy':
      return steadyLoad(shape.perS, shape.noise, options)
    case 'step':
      return stepLoad(shape.fromPerS, shape.toPerS, shape.atS * 1000, options)
    case 'ramp':
      return rampLoad(shape.fromPerS, shape.toPerS, [shape.startS * 1000, shape.endS * 1000], options)
    case 'sine':
      return sineLoad(shape.meanPerS, shape.amplitudePerS, shape.periodS * 1000, options)
    case 'sawtooth':
      return sawtoothLoad(shape.fromPerS, shape.toPerS, shape.periodS * 1000, options)
    case 'square':
      return squareLoad(shape.lowPerS, shape.highPerS, shape.periodS * 1000, options)
    case 'spike':
      return spikeLoad(shape.perS, shape.peakPerS, [shape.startS * 1000, shape.endS * 1000], options)
  }
}

/** The last value stays where a series is shorter than the load. */
function overTime(value: number | number[], intervalMs: number): number | ((atMs: number) => number) {
  if (typeof value === 'number') return value
  return atMs => value[Math.min(Math.floor(atMs / intervalMs), value.length - 1)] ?? 0
}

function expectedEvents({ perS }: FunctionLoad, durationMs: number): number {
  const steps = 1_000
  let sum = 0
  for (let step = 0; step < steps; step++) sum += perS(((step + 0.5) / steps) * durationMs)
  return (sum / steps) * (durationMs / 1000)
}

function refused(message: string): SluiceError {
  return new SluiceError('SLUICE_CONTROLLER_SIMULATION', message)
}
