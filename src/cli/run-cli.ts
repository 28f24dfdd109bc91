import { Command, CommanderError } from 'commander'
import { SluiceError } from '../errors/sluice-error.ts'
import type { CommandIo } from './command-io.ts'
import { addGatewayCommands, type GatewayCommands } from './commands/gateway-commands.ts'
import { addInvokeCommand } from './commands/invoke-command.ts'
import { addListCommands } from './commands/list-commands.ts'
import { addTriggerCommands } from './commands/trigger-commands.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'

/** Runs one command line (without `node` and script) and returns the exit code. Never throws, never exits. */
export async function runCli(
  args: readonly string[],
  io: CommandIo,
  gateway: GatewayCommands,
  version: string,
): Promise<number> {
  let exitCode: number = exitCodes.ok
  const program = createProgram(io, gateway, version, code => (exitCode = code))
  try {
    await program.parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (thrown) {
    // Help and --version end by an error, too; theirs has the code 0. Commander has printed what there is to say.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    const error = SluiceError.from(thrown)
    io.err(`sluice: ${error.message}\n`)
    return exitCodeOf(error)
  }
}

function createProgram(
  io: CommandIo,
  gateway: GatewayCommands,
  version: string,
  setExitCode: (code: number) => void,
): Command {
  const program = new Command('sluice')
    .description('Event-streaming gateway: HTTP, MQTT and Kafka in, a durable log, your functions in worker threads.')
    .version(version, '-V, --version', 'print the version')
    .showHelpAfterError('(sluice --help tells what there is)')
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText(
      'after',
      `
Examples:
  sluice start --config config/standalone.yaml
  sluice triggers
  sluice pause telemetry-alert --reason 'broken firmware 1.4.2'
  sluice dead-letters telemetry-alert --json

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 gateway not reachable.`,
    )
  // Set before commands are added: they inherit it.
  program.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err })
  addGatewayCommands(program, io, gateway, setExitCode)
  addListCommands(program, io)
  addTriggerCommands(program, io)
  addInvokeCommand(program, io)
  program
    .command('version')
    .description('print the versions of Sluice and Node.js')
    .action(() => io.out(`sluice ${version}, Node.js ${process.version}\n`))
  return program
}
