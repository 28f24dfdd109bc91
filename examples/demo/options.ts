import { parseArgs } from 'node:util'

export interface DemoOptions {
  /** Events of each kind. */
  readonly events: number
  /** Events per second and kind; 0: as fast as the senders can. */
  readonly ratePerS: number
  /** How often the gateway is killed meanwhile; 0 without `--kill`. */
  readonly kills: number
  /** Repeats events, poison and the progress at which the gateway is killed. */
  readonly seed: number
  readonly json: boolean
  /** Leaves the temporary directory, with the gateway's data and log, where it is. */
  readonly keep: boolean
  /** `host:port,…`; undefined: no Kafka. */
  readonly kafkaBrokers: string | undefined
}

export class UsageError extends Error {}

const defaults = { events: 5_000, ratePerS: 400, kills: 6 }

export const help = `Drives events of three kinds through a real gateway, and counts outside of it what became of them.

  npm run demo                              signed webhooks (HTTP) and device telemetry (MQTT QoS 1)
  npm run demo -- --kill                    the same, while the gateway is killed with SIGKILL again and again
  KAFKA_BROKERS=localhost:9092 npm run demo and orders (Kafka); \`npm run kafka\` in another terminal starts a broker

  --events N   events of each kind (default ${defaults.events})
  --rate N     events per second of each kind; 0 is as fast as the senders can (default ${defaults.ratePerS})
  --kill       kill the gateway at random moments and start it again on the same data
  --kills N    how often; implies --kill (default ${defaults.kills})
  --seed N     repeat a run: its events, its poison, its moments of killing (default: random, and printed)
  --json       print the summary as JSON on standard output, progress on standard error (use npm run --silent)
  --keep       keep the temporary directory with the gateway's data and log
  --help       print this

Exit code: 0 all is well, 1 an event was lost, out of order or failed without being poison, or the gateway did not
run, 2 wrong usage, 130 Ctrl-C.
`

/** @throws {UsageError} that says what is wrong. @returns undefined when help is asked for. */
export function parseDemoOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): DemoOptions | undefined {
  let values
  try {
    values = parseArgs({
      args: [...args],
      options: {
        events: { type: 'string' },
        rate: { type: 'string' },
        kill: { type: 'boolean', default: false },
        kills: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
  if (values.help) return undefined
  const kills = wholeNumber('--kills', values.kills, values.kill ? defaults.kills : 0, 1, 100)
  const events = wholeNumber('--events', values.events, defaults.events, 10, 1_000_000)
  return {
    events,
    ratePerS: wholeNumber('--rate', values.rate, defaults.ratePerS, 0, 100_000),
    kills,
    seed: wholeNumber('--seed', values.seed, Math.floor(Math.random() * 1_000_000), 0, 2 ** 32 - 1),
    json: values.json,
    keep: values.keep,
    kafkaBrokers: environment['KAFKA_BROKERS'] || undefined,
  }
}

/** What to type to have the same run again. */
export function repeatCommand(run: Pick<DemoOptions, 'events' | 'ratePerS' | 'kills' | 'seed'>): string {
  const words = ['npm run demo --']
  if (run.kills === defaults.kills) words.push('--kill')
  else if (run.kills > 0) words.push(`--kills ${run.kills}`)
  if (run.events !== defaults.events) words.push(`--events ${run.events}`)
  if (run.ratePerS !== defaults.ratePerS) words.push(`--rate ${run.ratePerS}`)
  return [...words, `--seed ${run.seed}`].join(' ')
}

function wholeNumber(name: string, text: string | undefined, fallback: number, least: number, most: number): number {
  if (text === undefined) return fallback
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return value
  throw new UsageError(`${name} must be a whole number from ${least} to ${most}, not '${text}'`)
}
