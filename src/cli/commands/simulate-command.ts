import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import { parse } from 'yaml'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import type { CommandIo } from '../command-io.ts'
import { countOf } from '../format-quantity.ts'
import { collect, numberFrom, wholeNumber } from '../option-parsers.ts'
import { shownPath } from '../shown-path.ts'
import { printJson } from './api-command.ts'

interface SimulateOptions {
  readonly load: string
  readonly policy?: string
  readonly scaler?: readonly string[]
  readonly seed: number
  readonly cores: number
  readonly memory: number
  readonly chart?: string
  readonly decisions?: boolean
  readonly json?: boolean
  readonly markdown?: boolean
}

/** `sluice simulate`: what would happen with a policy, before one deploys it. Needs no gateway. */
export function addSimulateCommand(program: Command, io: CommandIo): void {
  program
    .command('simulate')
    .description('try a scaling policy on a load, in simulated time')
    .requiredOption('--load <file>', 'what arrives: recorded by sluice record, or shapes (JSON or YAML)')
    .option('--policy <file>', 'a scaling section, a function, or a whole configuration; default: the defaults')
    .option(
      '--scaler <name>',
      'sluice, keda, keda-tuned, numaflow or numaflow-tuned; may be repeated to compare (default: sluice)',
      collect,
    )
    .addOption(new Option('--seed <n>', 'the same seed gives the same result').argParser(wholeNumber(1)).default(1))
    .addOption(
      new Option('--cores <n>', 'that the workers share')
        .argParser(numberFrom(0.1, 1_024))
        .default(availableParallelism(), `${availableParallelism()}, as here`),
    )
    .addOption(
      new Option('--memory <MiB>', 'for the heaps of all workers')
        .argParser(wholeNumber(16, 16_777_216))
        .default(4_096),
    )
    .option('--chart <file>', 'draw arrivals, workers, waiting events and delays over time (SVG)')
    .option('--decisions', 'print every change of the number of workers with its reason')
    .option('--markdown', 'print the table as Markdown')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `
The decisions are those of the gateway: the same code, in simulated time, on a model of its workers. KEDA and Numaflow are
their published formulas. DELAY is from arrival to the start of the call.

Examples:
  sluice simulate --load monday.json --policy sluice.yaml --chart monday.svg
  sluice simulate --load monday.json --scaler sluice --scaler keda
  echo '{maxWorkers: 16, minWorkers: 2}' > policy.yaml && sluice simulate --load monday.json --policy policy.yaml --decisions`,
    )
    .action(async (options: SimulateOptions) => {
      const { load, policy, seed, cores, memory: memoryMiB, scaler: scalers } = options
      const request = {
        load: readParsed(load),
        policy: policy === undefined ? {} : readParsed(policy),
        ...{ seed, cores, memoryMiB },
        ...(scalers === undefined ? {} : { scalers }),
      }
      // Loaded for this command alone: no other needs the controller.
      const { simulationReport } = await import('../../controller/simulation/simulation-report.ts')
      const report = simulationReport(request)
      if (options.chart !== undefined) write(options.chart, report.chart)
      if (options.json === true) return printJson(io, report.results)
      io.out(options.markdown === true ? report.markdown : report.table)
      if (options.decisions === true) io.out(`\n${report.decisions.map(line => `${line}\n`).join('')}`)
      else io.err(`${countOf(report.decisions.length, 'change')} of the number of workers; --decisions tells why\n`)
      if (options.chart !== undefined) io.err(`drawn: ${shownPath(options.chart)}\n`)
    })
}

/** JSON is YAML. */
function readParsed(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (thrown) {
    throw new SluiceError('SLUICE_CLI_USAGE', `cannot read ${shownPath(file)}: ${messageOf(thrown)}`)
  }
  try {
    // The parser of JSON is a hundred times as fast, and recordings are long.
    return file.endsWith('.json') ? JSON.parse(text) : parse(text)
  } catch (thrown) {
    throw new SluiceError('SLUICE_CLI_USAGE', `${shownPath(file)} cannot be parsed: ${messageOf(thrown)}`)
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (thrown) {
    throw new SluiceError('SLUICE_CLI_USAGE', `cannot write ${shownPath(file)}: ${messageOf(thrown)}`)
  }
}
