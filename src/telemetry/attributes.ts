/**
 * The names of span attributes, in one place because the conventions for messaging, FaaS and CloudEvents are still
 * experimental and do rename (https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/, version 1.45;
 * `kafka.*` left `messaging.kafka.*` there). What the conventions do not know is below `sluice.`.
 */
export const attribute = {
  messagingSystem: 'messaging.system.name',
  messagingOperationType: 'messaging.operation.type',
  messagingOperationName: 'messaging.operation.name',
  messagingDestination: 'messaging.destination.name',
  messagingPartition: 'messaging.destination.partition.id',
  messagingConsumerGroup: 'messaging.consumer.group.name',
  messagingMessageId: 'messaging.message.id',
  messagingBodySize: 'messaging.message.body.size',
  messagingBatchCount: 'messaging.batch.message_count',
  kafkaOffset: 'kafka.offset',
  kafkaMessageKey: 'kafka.message.key',
  kafkaTombstone: 'kafka.message.tombstone',
  faasName: 'faas.name',
  faasVersion: 'faas.version',
  faasTrigger: 'faas.trigger',
  faasInvocationId: 'faas.invocation.id',
  cloudEventId: 'cloudevents.event_id',
  cloudEventSource: 'cloudevents.event_source',
  cloudEventType: 'cloudevents.event_type',
  cloudEventSubject: 'cloudevents.event_subject',
  httpRoute: 'http.route',
  httpMethod: 'http.request.method',
  serverAddress: 'server.address',
  errorType: 'error.type',
  source: 'sluice.source',
  sink: 'sluice.sink',
  sinkKind: 'sluice.sink.kind',
  stream: 'sluice.stream',
  trigger: 'sluice.trigger',
  /** Of home streams; for a topic there is `kafka.offset`. */
  offset: 'sluice.offset',
  attempt: 'sluice.attempt',
  /** Number of the redrive that runs a dead letter again. */
  redrive: 'sluice.redrive',
  /** What failed: source, handler or sink. */
  stage: 'sluice.stage',
  key: 'sluice.key',
  outcome: 'sluice.outcome',
} as const
