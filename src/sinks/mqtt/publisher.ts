import type { MqttMessage } from '../../events/bindings/mqtt.ts'
import type { SinkHealth } from '../sink.ts'

export interface PublishOptions {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
}

/** The way of an MQTT sink to its broker. */
export interface Publisher {
  /** Whether messages can carry properties (5) or are a bare payload (4). */
  readonly protocolVersion: 4 | 5
  start(): Promise<void>
  /**
   * Resolves when the broker has acknowledged the message (QoS 1 and 2), or it is written to the socket (QoS 0).
   * @throws {SluiceError} SLUICE_SINKS_UNAVAILABLE, SLUICE_SINKS_TIMEOUT, SLUICE_SINKS_REJECTED, SLUICE_SINKS_CLOSED.
   */
  publish(topic: string, message: MqttMessage, options: PublishOptions): Promise<void>
  health(): SinkHealth
  close(): Promise<void>
}
