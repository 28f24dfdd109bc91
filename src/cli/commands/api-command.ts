import { type Command, Option } from 'commander'
import { createApiClient, type ApiClient } from '../api-client.ts'
import type { CommandIo } from '../command-io.ts'

/** Options of every command that talks to a gateway. */
export interface ApiCommandOptions {
  readonly url: string
  readonly token?: string
  readonly json?: boolean
}

/** Adds `--url` and `--token`. */
export function withApiOptions(command: Command, io: CommandIo): Command {
  return command
    .option(
      '--url <url>',
      'where the gateway listens [env: SLUICE_URL]',
      io.environment.SLUICE_URL || 'http://127.0.0.1:8080',
    )
    .addOption(new Option('--token <token>', 'its api.token [env: SLUICE_TOKEN]'))
}

export function clientOf(options: ApiCommandOptions, io: CommandIo): ApiClient {
  return createApiClient({ url: options.url, token: options.token ?? (io.environment.SLUICE_TOKEN || undefined) })
}

/** Pretty enough for people, complete for programs. */
export function printJson(io: CommandIo, value: unknown): void {
  io.out(`${escapeControls(JSON.stringify(value, null, 2))}\n`)
}

/** One value a line, for streams of them. */
export function printJsonLine(io: CommandIo, value: unknown): void {
  io.out(`${escapeControls(JSON.stringify(value))}\n`)
}

/** JSON escapes the control characters of ASCII alone; terminals obey others, too. */
const escapeControls = (json: string): string =>
  json.replaceAll(
    /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
