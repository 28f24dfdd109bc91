import type { FunctionVersion } from '../functions/function-version.ts'
import type { RegistryChange, RegistryCommand } from '../registry/registry-change.ts'
import type { RegistryState } from '../registry/registry-records.ts'
import type { FunctionLogLine, Observations } from '../store/observations.ts'
import type { Logger } from '../telemetry/logger.ts'
import type { FunctionLogEntry } from '../workers/worker-settings.ts'

/** Lines that one synchronous invocation may take into its answer. */
const maxCollectedLines = 1_000

/**
 * What functions log and what happens to them: into the gateway's own log, into the searchable store, and into the answer
 * of a synchronous invocation that wants its lines.
 */
export class FunctionLogs {
  readonly #logger: Logger
  readonly #observations: Observations
  readonly #collectors = new Map<string, FunctionLogLine[]>()

  constructor(logger: Logger, observations: Observations) {
    this.#logger = logger
    this.#observations = observations
  }

  /** A line that code of a version wrote. */
  wrote(version: FunctionVersion, entry: FunctionLogEntry): void {
    writeToLogger(this.#logger, version, entry)
    const line = lineOf(version, entry)
    this.#observations.log([line])
    if (this.#collectors.size === 0 || line.invocationId === undefined) return
    const collected = this.#collectors.get(line.invocationId)
    if (collected !== undefined && collected.length < maxCollectedLines) collected.push(line)
  }

  /** Keeps the lines of one invocation until they are taken. */
  collect(invocationId: string): { take(): readonly FunctionLogLine[] } {
    const lines: FunctionLogLine[] = []
    this.#collectors.set(invocationId, lines)
    return {
      take: () => {
        this.#collectors.delete(invocationId)
        return lines
      },
    }
  }

  /** What a command of the registry did, as lines of the functions it concerns. */
  changed(command: RegistryCommand, before: RegistryState): void {
    const lines: FunctionLogLine[] = []
    for (const change of command.changes) {
      const told = lifecycleOf(change, before)
      if (told === undefined) continue
      this.#logger.info({ function: told.function, by: command.by }, `function ${told.function}: ${told.message}`)
      lines.push({
        atMs: command.atMs,
        kind: 'lifecycle',
        level: 'info',
        fields: JSON.stringify({ by: command.by }),
        ...told,
      })
    }
    if (lines.length > 0) this.#observations.log(lines)
  }
}

function lineOf(version: FunctionVersion, entry: FunctionLogEntry): FunctionLogLine {
  const { timeMs, level, message, fields, invocationId, trigger, traceId, dropped } = entry
  return {
    atMs: timeMs,
    function: version.name,
    version: version.version,
    kind: 'console',
    level,
    message: dropped === undefined ? message : `${message} (${dropped} lines before it were dropped)`,
    ...(fields === undefined ? {} : { fields }),
    ...(invocationId === undefined ? {} : { invocationId }),
    ...(trigger === undefined || trigger === '' ? {} : { trigger }),
    ...(traceId === undefined ? {} : { traceId }),
  }
}

function writeToLogger(logger: Logger, version: FunctionVersion, entry: FunctionLogEntry): void {
  const { level, message, fields, invocationId, trigger, traceId, dropped } = entry
  const facts = {
    function: version.name,
    version: version.version,
    ...(trigger === undefined || trigger === '' ? {} : { trigger }),
    ...(invocationId === undefined ? {} : { invocation: invocationId }),
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(fields === undefined ? {} : { fields: JSON.parse(fields) as unknown }),
    ...(dropped === undefined ? {} : { dropped }),
  }
  logger[level](facts, message)
}

interface Told {
  readonly function: string
  readonly version: string
  readonly message: string
}

function lifecycleOf(change: RegistryChange, before: RegistryState): Told | undefined {
  const tell = (name: string, message: string, version = ''): Told => ({ function: name, version, message })
  switch (change.kind) {
    case 'put-function': {
      const old = before.functions.get(change.name)
      const code = change.code.hash.slice(0, 12)
      if (old === undefined) return tell(change.name, `created, code ${code}`, 'latest')
      return old.latest.hash === change.hash ? undefined : tell(change.name, `latest updated, code ${code}`, 'latest')
    }
    case 'delete-function':
      return tell(change.name, 'deleted')
    case 'enable-function':
      return tell(change.name, change.enabled ? 'enabled' : 'disabled')
    case 'publish-version': {
      const description = change.description === '' ? '' : `: ${change.description}`
      return tell(change.function, `version ${change.version} published${description}`, String(change.version))
    }
    case 'delete-version':
      return tell(change.function, `version ${change.version} deleted`, String(change.version))
    case 'put-alias': {
      const weights = change.weights.map(({ version, weight }) => `${version} (${weight} %)`).join(', ')
      const shadow = change.shadow === undefined ? '' : `, shadow ${change.shadow.version}`
      const { rollout } = change
      const step =
        rollout === undefined || rollout.reason === undefined ? '' : `; rollout ${rollout.state}: ${rollout.reason}`
      return tell(change.function, `alias ${change.alias} → ${weights}${shadow}${step}`)
    }
    case 'delete-alias':
      return tell(change.function, `alias ${change.alias} deleted`)
    case 'put-trigger':
    case 'delete-trigger':
    case 'renew':
      return undefined
  }
}
