import { exitCodeOf, exitCodes } from './cli/exit-codes.ts'
import { readyBanner, type GatewayAddresses } from './cli/ready-banner.ts'
import type { Config } from './config/config.ts'
import { secretStrings } from './config/secret-strings.ts'
import { SluiceError } from './errors/sluice-error.ts'
import { readSecrets } from './functions/secret-values.ts'
import { LogRedaction } from './telemetry/log-redaction.ts'
import { createLogger, type Logger } from './telemetry/logger.ts'
import { resourceAttributes } from './telemetry/resource-attributes.ts'

/** What the process needs of a gateway. */
export interface RunnableGateway {
  /** Resolves when every part runs that has to; rejects with what hinders it, after it has closed what was open. */
  start(): Promise<GatewayAddresses>
  /**
   * Refuses new events, finishes accepted ones within `drainMs`, closes everything. May be called while `start` is under
   * way. Resolves with whether all of it was finished in time; what was not runs again at the next start.
   */
  stop(options: { readonly drainMs: number; readonly reason: string }): Promise<{ readonly drained: boolean }>
}

export interface GatewayOptions {
  readonly logger: Logger
  readonly version: string
  /** Something broke that only a restart can mend, such as a failed sync. */
  readonly onFatal: (error: SluiceError) => void
}

export type CreateGateway = (config: Config, options: GatewayOptions) => RunnableGateway

/** Time that closing may take beyond the drain limit before the process is ended anyway. */
const closeGraceMs = 15_000

/**
 * Runs a gateway until a signal or a fatal error ends it, and returns the exit code.
 *
 *   starting ──▶ ready ──SIGTERM, SIGINT or fatal error──▶ draining ──▶ stopped
 *                                                            └──second signal, or the limit──▶ process exit 1
 */
export async function runGateway(config: Config, version: string, createGateway: CreateGateway): Promise<number> {
  const redaction = new LogRedaction()
  redaction.know(secretsOf(config))
  const logger = createLogger({
    level: config.logging.level,
    redaction,
    resource: resourceAttributes(version, process.env),
  })
  for (const warning of config.warnings) logger.warn(warning)
  for (const part of config.disabled) logger.info(part, `${part.kind} ${part.name} is off: ${part.reason}`)

  const ending = Promise.withResolvers<SluiceError | NodeJS.Signals>()
  const gateway = createGateway(config, { logger, version, onFatal: error => ending.resolve(error) })
  const signals = watchSignals(logger, signal => ending.resolve(signal))
  const crash = (thrown: unknown) => {
    // Nothing is known of the state any more. What is acknowledged is durable, so the honest way is out.
    logger.fatal({ err: thrown }, 'an error that nobody handled; the process ends')
    process.exit(exitCodes.failed)
  }
  process.on('uncaughtException', crash)
  process.on('unhandledRejection', crash)
  try {
    const started = gateway.start()
    const first = await Promise.race([started, ending.promise])
    if (typeof first === 'object' && !(first instanceof SluiceError)) {
      process.stdout.write(readyBanner(config, first, version))
    }
    const end = await ending.promise
    // A start that fails while it is being stopped has nothing more to say.
    started.catch(() => undefined)
    return await drain(config, gateway, logger, end)
  } catch (thrown) {
    const error = SluiceError.from(thrown)
    logger.fatal({ code: error.code, ...error.details }, `the gateway could not start: ${error.message}`)
    process.stderr.write(`sluice: ${error.message}\n`)
    return exitCodeOf(error)
  } finally {
    signals.stop()
    process.off('uncaughtException', crash)
    process.off('unhandledRejection', crash)
  }
}

/** What no line of the log may show. */
function secretsOf(config: Config): readonly string[] {
  try {
    return [...secretStrings(config), ...readSecrets(config).values()]
  } catch {
    // A file that cannot be read hinders the start, which says so.
    return secretStrings(config)
  }
}

async function drain(
  config: Config,
  gateway: RunnableGateway,
  logger: Logger,
  end: SluiceError | NodeJS.Signals,
): Promise<number> {
  const { drainMs } = config.shutdown
  const reason = typeof end === 'string' ? end : end.message
  if (typeof end !== 'string') logger.fatal({ code: end.code }, `the gateway cannot go on: ${end.message}`)
  logger.info({ drainMs }, `${reason}: finishing accepted work; a second signal ends it at once`)
  const force = setTimeout(() => {
    logger.error({ drainMs, closeGraceMs }, 'stopping took longer than its limit; the process ends now')
    process.exit(exitCodes.failed)
  }, drainMs + closeGraceMs)
  try {
    const { drained } = await gateway.stop({ drainMs, reason })
    if (drained) logger.info('stopped; all accepted work is finished')
    else logger.warn('stopped at the limit; what was not finished runs again at the next start')
    return drained && typeof end === 'string' ? exitCodes.ok : exitCodes.failed
  } finally {
    clearTimeout(force)
  }
}

/** The first SIGTERM or SIGINT asks, the second one insists. */
function watchSignals(logger: Logger, onFirst: (signal: NodeJS.Signals) => void): { stop(): void } {
  let seen = 0
  const listener = (signal: NodeJS.Signals) => {
    if (++seen === 1) return onFirst(signal)
    logger.warn(`${signal} again: ending at once; what was not finished runs again at the next start`)
    process.exit(exitCodes.failed)
  }
  process.on('SIGTERM', listener)
  process.on('SIGINT', listener)
  return {
    stop: () => {
      process.off('SIGTERM', listener)
      process.off('SIGINT', listener)
    },
  }
}
