import { describeFailure, type TelemetryLogger } from './telemetry-logger.ts'

interface ExportResult {
  readonly code: number
  readonly error?: Error
}
type ExportCallback = (result: ExportResult) => void

/** OpenTelemetry's `ExportResultCode.SUCCESS`. */
const success = 0

interface Exporter<Batch> {
  export(batch: Batch, callback: ExportCallback): void
}

/**
 * Replaces `export` so that no failure leaves it: a failed batch is counted by `onLost`, logged, and reported as done,
 * because the SDK's own answer to a failure is a stack trace per batch on its global error handler. The OTLP exporters
 * have retried within their timeout by then, so nothing more could be done with it.
 */
export function guardExporter<Batch, T extends Exporter<Batch>>(
  exporter: T,
  what: string,
  logger: TelemetryLogger,
  onLost: (batch: Batch) => void,
): T {
  const inner = exporter.export.bind(exporter)
  exporter.export = (batch, callback) => {
    const fail = (error: unknown): void => {
      onLost(batch)
      logger.warn({ reason: describeFailure(error) }, `${what} could not be exported`)
      callback({ code: success })
    }
    try {
      inner(batch, result => {
        if (result.code === success) callback(result)
        else fail(result.error ?? 'no reason given')
      })
    } catch (error) {
      fail(error)
    }
  }
  return exporter
}
