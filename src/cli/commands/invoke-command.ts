import { readFileSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { AcceptedInvocation, LoggedInvocation } from '../../api/views/invocation-view.ts'
import { parseFunctionRef } from '../../config/function-ref.ts'
import { messageOf, SluiceError } from '../../errors/sluice-error.ts'
import { apiPath, problemOf, refusal, type ApiReply, type ApiRequest } from '../api-client.ts'
import { colorsOf } from '../colors.ts'
import type { CommandIo } from '../command-io.ts'
import { exitCodes } from '../exit-codes.ts'
import { formatDuration } from '../format-quantity.ts'
import { formatLogLine } from '../format-log-line.ts'
import { withProgress } from '../progress.ts'
import { clientOf, printJson, withApiOptions, type ApiCommandOptions } from './api-command.ts'

type InvokeOptions = ApiCommandOptions & {
  readonly data?: string
  readonly file?: string
  readonly contentType?: string
  readonly header?: Readonly<Record<string, string>>
  readonly async?: boolean
  readonly logs?: boolean
}

/** `sluice invoke`: runs a function once and prints what it answers. */
export function addInvokeCommand(program: Command, io: CommandIo, setExitCode: (code: number) => void): void {
  withApiOptions(
    program
      .command('invoke')
      .description('run a function once and print its answer')
      .argument('<function>', 'price, price@3 or price@live'),
    io,
  )
    .addOption(new Option('--data <text>', "the event's data").conflicts('file'))
    .option('--file <path>', "file with the event's data; - is standard input")
    .option('--content-type <type>', 'default: application/json if the data is JSON, text/plain otherwise')
    .option(
      '--header <name:value>',
      'a header of the request, such as ce-type:order.created; repeatable',
      collectHeaders,
    )
    .option('--async', 'answer once the event is durable; it is retried and dead-lettered as any other')
    .addOption(new Option('--logs', 'show what it logs meanwhile, on standard error').conflicts('async'))
    .option('--json', 'print JSON: status, headers and body')
    .addHelpText(
      'after',
      `
Exits with 1 when the function fails, or answers with a status of 400 or above.

Examples:
  sluice invoke price --data '{"sku":"A-1","quantity":3}'
  sluice invoke price@4 --file event.json --content-type application/cloudevents+json
  sluice invoke price@live --file - --header ce-type:order.created --logs < order.json
  sluice invoke price --async --data '{"sku":"A-1"}'`,
    )
    .action(async (ref: string, options: InvokeOptions) => {
      const client = clientOf(options, io)
      const { path, query } = targetOf(ref)
      const bytes = await bodyOf(options, io)
      const contentType = options.contentType ?? (isJson(bytes) ? 'application/json' : 'text/plain; charset=utf-8')
      const headers = { ...options.header, 'content-type': contentType }
      // How long a function may take is for the gateway to say: it answers 504.
      const request: ApiRequest = { bytes, headers, timeoutMs: Infinity }

      if (options.async === true) {
        const view = await client.json<AcceptedInvocation>('POST', path, {
          ...request,
          query: { ...query, mode: 'async' },
        })
        if (options.json === true) return printJson(io, view)
        io.out(`${view.id}\n`)
        const name = ref.split('@', 1)[0] ?? ref
        return io.err(
          `Accepted at ${view.stream}/${view.partition}/${view.offset}; sluice logs ${name} --invocation ${view.id}\n`,
        )
      }
      const wantsEnvelope = options.logs === true || options.json === true
      const reply = await withProgress(
        io,
        `${ref} runs`,
        client.send('POST', path, { ...request, query: { ...query, logs: wantsEnvelope ? true : undefined } }),
      )
      if (wantsEnvelope) {
        if (reply.status !== 200) throw refusal(reply)
        const view = JSON.parse(reply.body.toString('utf8')) as LoggedInvocation
        if (view.status >= 400) setExitCode(exitCodes.failed)
        return printEnvelope(io, view, ref, options)
      }
      if (isProblemOfGateway(reply)) throw refusal(reply)
      printBody(io, reply.body.toString('utf8'))
      if (reply.status < 400) return
      setExitCode(exitCodes.failed)
      io.err(`sluice: ${ref} answered ${reply.status}\n`)
    })
}

function targetOf(text: string): { path: string; query: ApiRequest['query'] } {
  const ref = parseFunctionRef(text)
  if (ref === undefined) {
    throw new SluiceError('SLUICE_CLI_USAGE', `'${text}' names no function: write price, price@3 or price@live`)
  }
  const { name, version } = ref
  const path = apiPath('functions', name, 'invocations')
  switch (version.kind) {
    case 'latest':
      return { path, query: {} }
    case 'version':
      return { path, query: { version: version.version } }
    case 'alias':
      return { path, query: { alias: version.alias } }
  }
}

/** A function may answer with a problem document of its own; those of the gateway have our codes. */
function isProblemOfGateway(reply: ApiReply): boolean {
  const { code } = problemOf(reply)
  return reply.status >= 400 && typeof code === 'string' && code.startsWith('SLUICE_')
}

function printEnvelope(io: CommandIo, view: LoggedInvocation, ref: string, options: InvokeOptions): void {
  if (options.json === true) {
    const { logs, ...rest } = view
    return printJson(io, options.logs === true ? { ...rest, logs } : rest)
  }
  for (const line of view.logs) io.err(formatLogLine(line, io.errTerminal, { ids: false }))
  const { dim } = colorsOf(io.errTerminal)
  io.err(dim(`${ref} (version ${view.version}) answered ${view.status} in ${formatDuration(view.durationMs)}\n`))
  printBody(io, view.body ?? view.bodyBase64 ?? '')
}

const printBody = (io: CommandIo, text: string): void => io.out(text === '' || text.endsWith('\n') ? text : `${text}\n`)

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

function collectHeaders(
  text: string,
  previous: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):\s*(.*)$/s.exec(text) ?? []
  if (name === undefined || value === undefined || /[\r\n\0]/.test(value)) {
    throw new InvalidArgumentError('It must be like name:value.')
  }
  return { ...previous, [name.toLowerCase()]: value }
}
