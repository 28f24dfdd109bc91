/** What the table says of one error code. */
export interface ErrorCodeEntry {
  /** HTTP status of a problem+json answer that carries the code. */
  readonly status: number
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean
  /** Short human summary, constant per code (RFC 9457 `title`). */
  readonly title: string
}

const entry = (status: number, retryable: boolean, title: string): ErrorCodeEntry => ({ status, retryable, title })

/**
 * Every error of Sluice, one line each, sorted by area. Codes are `SLUICE_<AREA>_<WHAT>` where the area is the folder
 * under `src`. They are public: they appear in problem+json, in logs and in dead letters, and never change their meaning.
 */
export const errorCodes = {
  SLUICE_INTERNAL: entry(500, false, 'Internal error'),

  SLUICE_API_BODY_TOO_LARGE: entry(413, false, 'The body is too large'),
  SLUICE_API_INVALID_REQUEST: entry(400, false, 'The request is not valid'),
  SLUICE_API_METHOD_NOT_ALLOWED: entry(405, false, 'The method is not allowed here'),
  SLUICE_API_NOT_FOUND: entry(404, false, 'No such resource'),
  SLUICE_API_SLOW_READER: entry(503, true, 'The reader is too slow'),
  SLUICE_API_UNAUTHORIZED: entry(401, false, 'Authentication is required'),

  SLUICE_CLI_BUNDLE: entry(422, false, 'The function cannot be bundled'),
  SLUICE_CLI_DECLINED: entry(409, false, 'Nothing was done'),
  SLUICE_CLI_REFUSED: entry(500, false, 'The gateway refused the request'),
  SLUICE_CLI_UNREACHABLE: entry(503, true, 'The gateway is not reachable'),
  SLUICE_CLI_USAGE: entry(400, false, 'The command was not understood'),

  SLUICE_CONFIG_INVALID: entry(400, false, 'The configuration is not valid'),
  SLUICE_CONFIG_UNREADABLE: entry(400, false, 'The configuration file cannot be read'),

  SLUICE_CONTROLLER_SIMULATION: entry(400, false, 'The simulation cannot be run'),
  SLUICE_CONTROLLER_UNKNOWN_LAG: entry(503, true, 'The lag is not known'),

  SLUICE_DISPATCH_HOP_LIMIT: entry(508, false, 'Functions feed each other without end'),
  SLUICE_DISPATCH_LIMITED: entry(429, true, 'The function is limited to fewer calls'),
  SLUICE_DISPATCH_NOT_PAUSED: entry(409, false, 'The trigger is not paused'),
  SLUICE_DISPATCH_OVERLOADED: entry(503, true, 'The function is overloaded'),
  SLUICE_DISPATCH_PLACE: entry(409, false, 'The place cannot be moved from here'),
  SLUICE_DISPATCH_STOPPED: entry(503, true, 'The gateway is stopping'),
  SLUICE_DISPATCH_UNRESOLVED: entry(422, false, 'The event asks for a version that is not there'),

  SLUICE_EVENTS_HEADER: entry(500, false, 'The event header cannot be read'),
  SLUICE_EVENTS_INVALID: entry(400, false, 'The event is not a valid CloudEvent'),
  SLUICE_EVENTS_MAPPING: entry(400, false, 'The event cannot be mapped'),
  SLUICE_EVENTS_TOO_LARGE: entry(413, false, 'The event or batch is too large'),
  SLUICE_EVENTS_UNSUPPORTED_TYPE: entry(415, false, 'The content type is not supported'),

  SLUICE_FUNCTIONS_ARTIFACT: entry(422, false, 'The code of the function cannot be taken'),
  SLUICE_FUNCTIONS_DISABLED: entry(409, true, 'The function is disabled'),
  SLUICE_FUNCTIONS_LOAD: entry(422, false, 'The function cannot be loaded'),
  SLUICE_FUNCTIONS_NOT_FOUND: entry(404, false, 'No such function'),
  SLUICE_FUNCTIONS_PAUSED: entry(409, true, 'The function is paused'),

  SLUICE_HTTP_ABORTED: entry(400, true, 'The request was cut off'),
  SLUICE_HTTP_BODY_TOO_LARGE: entry(413, false, 'The body is too large'),
  SLUICE_HTTP_CONTENT_ENCODING: entry(415, false, 'The content encoding is not supported'),
  SLUICE_HTTP_CONTENT_TYPE: entry(415, false, 'The content type is not accepted'),
  SLUICE_HTTP_FUNCTION_FAILED: entry(502, false, 'The function failed'),
  SLUICE_HTTP_FUNCTION_OVERLOADED: entry(503, true, 'The function is busy'),
  SLUICE_HTTP_FUNCTION_PAUSED: entry(409, true, 'The function is paused or disabled'),
  SLUICE_HTTP_FUNCTION_TIMEOUT: entry(504, true, 'The function did not answer in time'),
  SLUICE_HTTP_HEADERS_TOO_LARGE: entry(431, false, 'The headers are too large'),
  SLUICE_HTTP_INFLIGHT_LIMITED: entry(429, true, 'Too much of the source is in progress'),
  SLUICE_HTTP_INSECURE: entry(400, false, 'The listener would be open to the network'),
  SLUICE_HTTP_LISTEN: entry(503, false, 'The HTTP listener cannot be opened'),
  SLUICE_HTTP_MALFORMED: entry(400, false, 'The request is malformed'),
  SLUICE_HTTP_METHOD_NOT_ALLOWED: entry(405, false, 'The method is not allowed'),
  SLUICE_HTTP_NOT_FOUND: entry(404, false, 'Nothing is served here'),
  SLUICE_HTTP_ORIGIN: entry(403, false, 'The origin is not allowed'),
  SLUICE_HTTP_OVERLOADED: entry(503, true, 'Too many requests are waiting'),
  SLUICE_HTTP_PATH_TAKEN: entry(409, false, 'The path is taken'),
  SLUICE_HTTP_PORT_IN_USE: entry(503, false, 'The port is in use'),
  SLUICE_HTTP_RATE_LIMITED: entry(429, true, 'Events come faster than the source may take them'),
  SLUICE_HTTP_SIGNATURE: entry(401, false, 'The signature is not valid'),
  SLUICE_HTTP_SOURCE_PAUSED: entry(503, true, 'The source is paused'),
  SLUICE_HTTP_STOPPING: entry(503, true, 'The source is stopping'),
  SLUICE_HTTP_TIMEOUT: entry(408, true, 'The request took too long'),

  SLUICE_KAFKA_CLOSED: entry(503, true, 'The Kafka client is closed'),
  SLUICE_KAFKA_CODEC: entry(422, false, 'The compression codec is not available'),
  SLUICE_KAFKA_COMMIT: entry(503, true, 'The offset could not be committed'),
  SLUICE_KAFKA_CONSUMER: entry(503, true, 'Consuming is interrupted'),
  SLUICE_KAFKA_DENIED: entry(502, true, 'Kafka denies the access'),
  SLUICE_KAFKA_PRODUCE: entry(503, true, 'The record could not be produced'),
  SLUICE_KAFKA_QUEUE_FULL: entry(503, true, 'Too much waits to be produced'),
  SLUICE_KAFKA_RECORD_TOO_LARGE: entry(413, false, 'The record is too large for Kafka'),
  SLUICE_KAFKA_TOPIC: entry(404, true, 'The topic cannot be used'),
  SLUICE_KAFKA_UNREACHABLE: entry(503, true, 'Kafka is not reachable'),

  SLUICE_LOG_CLOSED: entry(503, true, 'The log is closed'),
  SLUICE_LOG_CORRUPT: entry(500, false, 'The log is damaged'),
  SLUICE_LOG_FULL: entry(503, true, 'The log is full'),
  SLUICE_LOG_LOCKED: entry(503, false, 'The data directory is in use'),
  SLUICE_LOG_OUT_OF_RANGE: entry(416, false, 'The offset is outside of the log'),
  SLUICE_LOG_RECORD_TOO_LARGE: entry(413, false, 'The record is too large'),
  SLUICE_LOG_UNAVAILABLE: entry(503, true, 'The log is not available'),
  SLUICE_LOG_WRITE_FAILED: entry(503, false, 'The log could not be written'),

  SLUICE_MQTT_BROKER: entry(500, false, 'The embedded MQTT broker failed'),
  SLUICE_MQTT_CONFIG: entry(400, false, 'The MQTT options are not valid'),
  SLUICE_MQTT_HOLD_EXPIRED: entry(503, true, 'The event could not be kept in time'),
  SLUICE_MQTT_INSECURE: entry(400, false, 'The MQTT listener would be open to everybody'),
  SLUICE_MQTT_OVERLOADED: entry(503, true, 'Too many publications wait for the log'),
  SLUICE_MQTT_PORT_IN_USE: entry(503, false, 'The MQTT port is in use'),
  SLUICE_MQTT_SOURCE_PAUSED: entry(503, true, 'The MQTT source is paused'),
  SLUICE_MQTT_STOPPING: entry(503, true, 'The MQTT source is stopping'),
  SLUICE_MQTT_TOPIC: entry(400, false, 'The MQTT topic cannot be used'),
  SLUICE_MQTT_UNREACHABLE: entry(503, true, 'The MQTT broker is not reachable'),

  SLUICE_REGISTRY_BUSY: entry(503, true, 'The registry changes too fast'),
  SLUICE_REGISTRY_CLOSED: entry(503, true, 'The registry is closed'),
  SLUICE_REGISTRY_CORRUPT: entry(500, false, 'The registry is damaged'),
  SLUICE_REGISTRY_INVALID: entry(422, false, 'The definition does not hold'),
  SLUICE_REGISTRY_IN_USE: entry(409, false, 'It is in use'),
  SLUICE_REGISTRY_MANAGED: entry(409, false, 'The configuration file manages it'),
  SLUICE_REGISTRY_REVISION: entry(412, false, 'It was changed meanwhile'),
  SLUICE_REGISTRY_ROLLOUT: entry(409, false, 'A rollout is running'),
  SLUICE_REGISTRY_UNKNOWN_COMMAND: entry(500, false, 'The registry holds a command of a newer version'),
  SLUICE_REGISTRY_WRITE: entry(503, false, 'The registry could not be written'),

  SLUICE_REPLAY_CAPTURE: entry(400, false, 'The capture cannot be used'),
  SLUICE_REPLAY_TRIGGER: entry(400, false, 'Whose records count is not clear'),

  SLUICE_SINKS_ADDRESS_DENIED: entry(403, false, 'The sink may not connect to this address'),
  SLUICE_SINKS_CLOSED: entry(503, true, 'The sink is closed'),
  SLUICE_SINKS_FORBIDDEN: entry(403, false, 'The execution role forbids it'),
  SLUICE_SINKS_HEADER: entry(422, false, 'The header cannot be sent'),
  SLUICE_SINKS_NETWORK_POLICY: entry(403, false, 'The network policy forbids the host'),
  SLUICE_SINKS_REJECTED: entry(502, false, 'The destination refused the result'),
  SLUICE_SINKS_REPLY_INVALID: entry(502, false, 'The reply of the function is not valid'),
  SLUICE_SINKS_TEMPLATE: entry(422, false, 'The template cannot be filled'),
  SLUICE_SINKS_TIMEOUT: entry(504, true, 'The destination did not answer in time'),
  SLUICE_SINKS_UNAVAILABLE: entry(503, true, 'The destination is not available'),
  SLUICE_SINKS_UNKNOWN: entry(422, false, 'The result names a sink that is not there'),

  SLUICE_STORE_FAILED: entry(503, false, 'The store has stopped'),
  SLUICE_STORE_NOT_REDRIVABLE: entry(422, false, 'The dead letter cannot be redriven'),
  SLUICE_STORE_REDRIVING: entry(409, true, 'The dead letter is being redriven'),
  SLUICE_STORE_WRITE: entry(503, true, 'The store could not be written'),

  SLUICE_WORKERS_HOST_CRASH: entry(500, false, 'The event ends the process that runs it'),
  SLUICE_WORKERS_QUARANTINED: entry(503, true, 'The function cannot start'),
} as const satisfies Record<string, ErrorCodeEntry>

export type ErrorCode = keyof typeof errorCodes
