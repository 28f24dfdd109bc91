/**
 * Sluice as a library: the types of functions, and a gateway inside of another process.
 *
 *   const gateway = createGateway(loadConfig('sluice.yaml', { environment: process.env }), { logger, version, onFatal })
 *   const { http } = await gateway.start()
 */
export { loadConfig } from './config/load-config.ts'
export type { Config } from './config/config.ts'
export { errorCodes, type ErrorCode } from './errors/error-codes.ts'
export { SluiceError } from './errors/sluice-error.ts'
export { createGateway } from './gateway.ts'
export type {
  BatchHandler,
  BatchReport,
  Context,
  EmitOptions,
  Handler,
  HandlerMetrics,
  HttpAnswer,
  HttpBinding,
  HttpRequest,
  Init,
  InitContext,
  KafkaBinding,
  MetricLabels,
  MqttBinding,
  SluiceEvent,
} from './workers/handler-types.ts'
export { readCapture, type Capture, type CapturedEvent } from './replay/read-capture.ts'
export type { RecordedOutcome, RecordedValue, ReplaySurroundings } from './replay/captured-event.ts'
export type { CreateGateway, GatewayOptions, RunnableGateway } from './run-gateway.ts'
export { createLogger, type Logger } from './telemetry/logger.ts'
