import type { HttpBinding, KafkaBinding, MqttBinding } from '../handler-types.ts'
import type { HandlerEvent } from '../event-object.ts'

/** What a handler gets. */
export type Binding = HttpBinding | MqttBinding | KafkaBinding

/** For whom a binding is used: the attempt whose event fills its templates. */
export interface BindingUse {
  /** Or why there is none. */
  readonly event: HandlerEvent | string
  /** Fires when the attempt is over its time. */
  readonly signal?: AbortSignal
}

/** A connection of a worker: opened once, used by all its attempts. */
export interface Connection {
  /** Cheap: it is called for every attempt that uses the binding. Nothing of the connection can be read from it. */
  bind(use: BindingUse): Binding
  /** Connects, if that is something that can be done ahead. What goes wrong shows again at the first use. */
  connect(): Promise<void>
  close(): Promise<void>
}
