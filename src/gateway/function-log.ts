import type { Logger } from '../telemetry/logger.ts'
import type { FunctionLogEntry } from '../workers/worker-settings.ts'

/** Writes what a function logged into the gateway's log, tied to its invocation and trace. */
export function logFunctionEntry(logger: Logger, functionName: string, entry: FunctionLogEntry): void {
  const { level, message, fields, invocationId, trigger, traceId, dropped } = entry
  const facts = {
    function: functionName,
    ...(trigger === undefined || trigger === '' ? {} : { trigger }),
    ...(invocationId === undefined ? {} : { invocation: invocationId }),
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(fields === undefined ? {} : { fields: JSON.parse(fields) as unknown }),
    ...(dropped === undefined ? {} : { dropped }),
  }
  logger[level](facts, message)
}
