import { parseArgs } from 'node:util'
import type { Experiment, ExperimentSize } from '../experiment.ts'
import type { ReportMode } from './report.ts'

export interface ProveOptions {
  readonly experiments: readonly Experiment[]
  readonly mode: ReportMode
  readonly sizeOf: (experiment: Experiment) => ExperimentSize
  readonly seed: number
  readonly again: boolean
  readonly list: boolean
  readonly help: boolean
}

/** What was asked for cannot be done; the message is for the person who asked. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `Runs the experiments that prove the promises of Sluice, one row each. Rows that are finished for these sources, seed
and size are not run again; their reports lie in prove/reports.

npm run prove -- [--short] [--only name,…] [--seed 1] [--again] [--size name=count,…] [--list]

  --short   a slice of each, for every commit
  --only    these experiments
  --seed    of what is chosen by chance; default 1
  --again   also what is finished
  --size    other counts than the full ones; such a run proves nothing to others
  --list    the experiments with their sizes
`

/** @throws {UsageError} for an unknown option, experiment or count. */
export function parseProveOptions(args: readonly string[], all: readonly Experiment[]): ProveOptions {
  const { values } = parse(args)
  const seed = Number(values.seed)
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new UsageError(`--seed is a whole number from 0 to 4,294,967,295, not ${values.seed}`)
  const experiments = values.only === undefined ? all : values.only.flatMap(names => chosen(names, all))
  const own = values.size === undefined ? undefined : sizes(values.size)
  if (own !== undefined && values.short) throw new UsageError('--short and --size are two ways to say how much')
  for (const name of Object.keys(own ?? {}))
    if (!experiments.some(({ full }) => name in full))
      throw new UsageError(`none of the experiments counts ${name}; see --list`)
  return {
    experiments,
    mode: own !== undefined ? 'custom' : values.short ? 'short' : 'full',
    sizeOf: ({ full, short }) =>
      own !== undefined
        ? Object.fromEntries(Object.entries(full).map(([name, count]) => [name, own[name] ?? count]))
        : values.short
          ? short
          : full,
    seed,
    again: values.again,
    list: values.list,
    help: values.help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        short: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true },
        seed: { type: 'string', default: '1' },
        again: { type: 'boolean', default: false },
        size: { type: 'string', multiple: true },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function chosen(names: string, all: readonly Experiment[]): Experiment[] {
  return names.split(',').map(name => {
    const experiment = all.find(candidate => candidate.name === name)
    if (experiment === undefined)
      throw new UsageError(`there is no experiment ${name}; there are ${all.map(one => one.name).join(', ')}`)
    return experiment
  })
}

function sizes(texts: readonly string[]): Record<string, number> {
  const own: Record<string, number> = {}
  for (const text of texts.flatMap(list => list.split(','))) {
    const [, name = '', count] = /^([a-zA-Z]+)=(\d+)$/.exec(text) ?? []
    if (count === undefined) throw new UsageError(`--size takes name=count, not ${text}`)
    own[name] = Number(count)
  }
  return own
}
