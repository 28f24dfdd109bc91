import type { ErrorCode } from '../../errors/error-codes.ts'

/** The word under which a refused request is counted; few of them, because each becomes a time series. */
export function refusalReason(code: ErrorCode): string {
  switch (code) {
    case 'SLUICE_EVENTS_INVALID':
      return 'invalid'
    case 'SLUICE_EVENTS_MAPPING':
      return 'mapping'
    case 'SLUICE_EVENTS_UNSUPPORTED_TYPE':
    case 'SLUICE_HTTP_CONTENT_TYPE':
    case 'SLUICE_HTTP_CONTENT_ENCODING':
      return 'content-type'
    case 'SLUICE_EVENTS_TOO_LARGE':
    case 'SLUICE_HTTP_BODY_TOO_LARGE':
      return 'too-large'
    case 'SLUICE_HTTP_SIGNATURE':
      return 'signature'
    case 'SLUICE_DISPATCH_LIMITED':
    case 'SLUICE_HTTP_OVERLOADED':
    case 'SLUICE_HTTP_FUNCTION_OVERLOADED':
      return 'overloaded'
    case 'SLUICE_HTTP_RATE_LIMITED':
      return 'rate'
    case 'SLUICE_HTTP_INFLIGHT_LIMITED':
      return 'in-flight'
    case 'SLUICE_HTTP_ABORTED':
      return 'aborted'
    case 'SLUICE_HTTP_SOURCE_PAUSED':
      return 'paused'
    case 'SLUICE_HTTP_STOPPING':
    case 'SLUICE_LOG_CLOSED':
      return 'stopping'
    case 'SLUICE_LOG_FULL':
      return 'full'
    case 'SLUICE_LOG_UNAVAILABLE':
    case 'SLUICE_LOG_WRITE_FAILED':
      return 'unavailable'
    case 'SLUICE_HTTP_FUNCTION_FAILED':
    case 'SLUICE_HTTP_FUNCTION_PAUSED':
    case 'SLUICE_HTTP_FUNCTION_TIMEOUT':
    case 'SLUICE_SINKS_REPLY_INVALID':
      return 'function'
    default:
      return 'error'
  }
}
