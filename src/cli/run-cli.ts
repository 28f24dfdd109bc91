import { Command, CommanderError } from 'commander'
import { SluiceError } from '../errors/sluice-error.ts'
import type { CommandIo } from './command-io.ts'
import { addAliasCommand } from './commands/alias-command.ts'
import { addApplyCommand } from './commands/apply-command.ts'
import { addCompletionCommand } from './commands/completion-command.ts'
import { addDeadLettersCommand } from './commands/dead-letters-command.ts'
import { addDeployCommand } from './commands/deploy-command.ts'
import { addDevCommand } from './commands/dev-command.ts'
import { addFunctionsCommand } from './commands/functions-command.ts'
import { addGatewayCommands, type GatewayCommands } from './commands/gateway-commands.ts'
import { addInitCommand } from './commands/init-command.ts'
import { addInvokeCommand } from './commands/invoke-command.ts'
import { addListCommands } from './commands/list-commands.ts'
import { addLogsCommand } from './commands/logs-command.ts'
import { addPauseCommands } from './commands/pause-command.ts'
import { addPublishCommand } from './commands/publish-command.ts'
import { addRecordCommand } from './commands/record-command.ts'
import { addRolloutCommand } from './commands/rollout-command.ts'
import { addScalingCommand } from './commands/scaling-command.ts'
import { addSimulateCommand } from './commands/simulate-command.ts'
import { addStatsCommand } from './commands/stats-command.ts'
import { addTriggersCommand } from './commands/triggers-command.ts'
import { addCaptureCommand } from './commands/capture-command.ts'
import { addReplayCommand } from './commands/replay-command.ts'
import { addTraceCommand } from './commands/trace-command.ts'
import { addWhyCommand } from './commands/why-command.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import { plainLines } from './terminal-text.ts'

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
    io.err(`sluice: ${plainLines(error.message)}\n`)
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
    .addHelpText(
      'after',
      `
Examples:
  sluice start --config config/standalone.yaml
  sluice init price && cd price && sluice deploy
  sluice logs price --follow
  sluice triggers

Each command has --help with examples; source <(sluice completion bash) completes commands and names.

Exit codes: 0 done, 1 failed, 2 wrong usage, configuration or code, 3 gateway not reachable, 4 a dry run with changes.`,
    )
  // Options behind a subcommand are the subcommand's, although its parent may have some of the same name.
  program.enablePositionalOptions()
  // Set before commands are added: they inherit it.
  program.exitOverride().configureOutput({
    writeOut: io.out,
    writeErr: io.err,
    getOutHelpWidth: () => io.terminal?.columns ?? 80,
    getErrHelpWidth: () => io.errTerminal?.columns ?? 80,
  })
  // A list of names and what they do; arguments and options are told by the help of each.
  program.configureHelp({ subcommandTerm: command => command.name() })
  program.commandsGroup('Write functions:')
  addInitCommand(program, io)
  addDevCommand(program, io)
  addDeployCommand(program, io, setExitCode)
  addApplyCommand(program, io, setExitCode)
  program.commandsGroup('Versions and traffic:')
  addPublishCommand(program, io)
  addAliasCommand(program, io)
  addRolloutCommand(program, io, setExitCode)
  program.commandsGroup('Run and watch:')
  addInvokeCommand(program, io, setExitCode)
  addLogsCommand(program, io)
  addStatsCommand(program, io)
  addFunctionsCommand(program, io)
  addTriggersCommand(program, io)
  addWhyCommand(program, io)
  addTraceCommand(program, io)
  addCaptureCommand(program, io)
  addReplayCommand(program, io, setExitCode)
  addPauseCommands(program, io)
  addDeadLettersCommand(program, io, setExitCode)
  addListCommands(program, io)
  program.commandsGroup('Scaling:')
  addScalingCommand(program, io)
  addRecordCommand(program, io)
  addSimulateCommand(program, io)
  program.commandsGroup('Gateway:')
  program.helpCommand('help [command]', 'show help for a command')
  addGatewayCommands(program, io, gateway, setExitCode)
  program
    .command('version')
    .description('print the versions of Sluice and Node.js')
    .action(() => io.out(`sluice ${version}, Node.js ${process.version}\n`))
  addCompletionCommand(program, io)
  return program
}
