import { type Command, Option } from 'commander'
import { loadConfig } from '../../config/load-config.ts'
import type { Config } from '../../config/config.ts'
import type { CommandIo } from '../command-io.ts'
import { formatTable } from '../format-table.ts'
import { wholeNumber } from '../option-parsers.ts'

/** What the process entry gives to the CLI, which itself knows no more than configuration and HTTP. */
export interface GatewayCommands {
  /** Runs a gateway until it is stopped and returns the exit code. */
  run(config: Config): Promise<number>
  /** Loads the functions without running them. @throws {SluiceError} SLUICE_FUNCTIONS_LOAD. */
  loadFunctions(config: Config): Iterable<{ readonly name: string; readonly file: string; readonly hash: string }>
}

interface StartOptions {
  readonly config: string
  readonly host?: string
  readonly port?: number
  readonly mqttPort?: number
  readonly dataDir?: string
  readonly logLevel?: string
}

/** `sluice start` and `sluice check`: the two that read the configuration. */
export function addGatewayCommands(
  program: Command,
  io: CommandIo,
  gateway: GatewayCommands,
  setExitCode: (code: number) => void,
): void {
  const fallback = io.environment.SLUICE_CONFIG || 'sluice.yaml'
  const configOption = () =>
    new Option('-c, --config <file>', 'configuration file [env: SLUICE_CONFIG]').default(fallback)

  program
    .command('start')
    .description('run a gateway in the foreground')
    .addOption(configOption())
    .option('--host <address>', 'address of the HTTP listener (http.host)')
    .option('--port <number>', 'its port; 0 takes a free one (http.port)', wholeNumber(0, 65_535))
    .option('--mqtt-port <number>', 'port of the embedded MQTT broker (mqtt.port)', wholeNumber(0, 65_535))
    .option('--data-dir <directory>', 'where the log is kept (dataDir)')
    .addOption(
      new Option('--log-level <level>', 'what is logged (logging.level)').choices([
        'trace',
        'debug',
        'info',
        'warn',
        'error',
        'fatal',
        'silent',
      ]),
    )
    .addHelpText(
      'after',
      `
SIGTERM or SIGINT: accepted work is finished (shutdown.drainMs at most). A second one ends the process at once.

Examples:
  sluice start --config config/standalone.yaml
  KAFKA_BROKERS=localhost:9092 sluice start --config config/standalone.yaml --port 9000`,
    )
    .action(async ({ config, ...overrides }: StartOptions) => {
      const loaded = loadConfig(config, { environment: io.environment, overrides })
      setExitCode(await gateway.run(loaded))
    })

  program
    .command('check')
    .description('check a configuration and what it refers to, without starting anything')
    .addOption(configOption())
    .addHelpText('after', `\nExamples:\n  sluice check --config config/standalone.yaml`)
    .action((options: { config: string }) => {
      const config = loadConfig(options.config, { environment: io.environment })
      const functions = [...gateway.loadFunctions(config)]
      for (const warning of config.warnings) io.err(`warning: ${warning}\n`)
      for (const { kind, name, reason } of config.disabled) io.err(`off: ${kind} ${name}: ${reason}\n`)
      const { sources, streams, sinks, triggers } = config
      // Triggers that are off are kept: they belong to the registry.
      const offTriggers = config.disabled.filter(({ kind }) => kind === 'trigger').length
      const sizes = [
        [sources.size, 'sources'],
        [streams.size, 'streams'],
        [functions.length, 'functions'],
        [sinks.size, 'sinks'],
        [triggers.size - offTriggers, 'triggers'],
      ]
      io.out(`${options.config} is valid: ${sizes.map(([size, noun]) => `${size} ${noun}`).join(', ')}\n`)
      if (functions.length > 0) {
        io.out(
          formatTable(
            [
              { title: 'FUNCTION', value: row => row.name },
              { title: 'HASH', value: row => row.hash.slice(0, 12) },
              { title: 'FILE', value: row => row.file },
            ],
            functions,
          ),
        )
      }
    })
}
