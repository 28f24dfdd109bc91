import { diag, DiagLogLevel } from '@opentelemetry/api'
import type { TelemetryLogger } from './telemetry-logger.ts'

/** The SDK's own complaints (a bad header, a failed retry) go to our log and not to the console. */
export function routeDiagnostics(logger: TelemetryLogger): void {
  const say = (message: string, ...more: unknown[]): void =>
    logger.warn(more.length === 0 ? {} : { details: more.map(String).join(' ').slice(0, 500) }, message.slice(0, 500))
  const silent = (): void => {}
  diag.setLogger(
    { error: say, warn: say, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
