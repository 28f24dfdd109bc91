import { readFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { refusal } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'
import { clientOf, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type InvokeOptions = ApiCommandOptions & { data?: string; file?: string; contentType?: string }

/** `sluice invoke`: runs a function once and prints what it answers. */
export function addInvokeCommand(program: Command, io: CommandIo): void {
  withApiOptions(program.command('invoke <function>').description('run a function once and print its answer'), io)
    .addOption(new Option('--data <text>', "the event's data").conflicts('file'))
    .option('--file <path>', "file with the event's data; - is standard input")
    .option('--content-type <type>', 'default: application/json if the data is JSON, text/plain otherwise')
    .addHelpText(
      'after',
      `
Examples:
  sluice invoke price --data '{"sku":"A-1","quantity":3}'
  sluice invoke price --file event.json --content-type application/cloudevents+json`,
    )
    .action(async (name: string, options: InvokeOptions) => {
      const body = await bodyOf(options, io)
      const contentType = options.contentType ?? (isJson(body) ? 'application/json' : 'text/plain; charset=utf-8')
      const path = `/v1/functions/${encodeURIComponent(name)}/invocations`
      const reply = await clientOf(options, io).send(path, contentType, body)
      if (reply.status >= 400) throw refusal(reply)
      const text = reply.body.toString('utf8')
      io.out(text === '' || text.endsWith('\n') ? text : `${text}\n`)
    })
}

async function bodyOf(options: InvokeOptions, io: CommandIo): Promise<Buffer> {
  if (options.file === '-') return io.readStdin()
  if (options.file === undefined) return Buffer.from(options.data ?? '{}')
  try {
    return readFileSync(options.file)
  } catch (error) {
    throw new SluiceError('SLUICE_CLI_USAGE', `--file ${options.file} cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function isJson(body: Buffer): boolean {
  try {
    JSON.parse(body.toString('utf8'))
    return true
  } catch {
    return false
  }
}
