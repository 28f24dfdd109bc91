import Type, { type Static } from 'typebox'

const strict = { additionalProperties: false }

/** The embedded MQTT 3.1.1 broker; MQTT sources without a `broker` of their own listen on it. */
export const mqttBrokerSchema = Type.Object(
  {
    enabled: Type.Boolean({
      default: true,
      description: 'It listens only when a source or sink uses it; false forbids even that.',
    }),
    host: Type.String({
      minLength: 1,
      // Without users nothing but this machine may publish.
      default: '127.0.0.1',
      description: 'Address to bind.',
    }),
    port: Type.Integer({ minimum: 0, maximum: 65_535, default: 1883, description: 'TCP port; 0 takes a free one.' }),
    insecure: Type.Boolean({
      default: false,
      description: 'Allows an address other than loopback although no users are configured.',
    }),
    users: Type.Array(
      Type.Object({ username: Type.String({ minLength: 1 }), password: Type.String({ minLength: 1 }) }, strict),
      { default: [], description: 'Who may connect. Empty: everybody.' },
    ),
    brokerOnly: Type.Array(Type.String({ minLength: 1 }), {
      default: [],
      description:
        'Topic filters that feed no source but may be published: plain pub/sub in memory, not durable, such as ' +
        'the alerts/# that a sink publishes to.',
    }),
    acceptTimeoutMs: Type.Integer({
      minimum: 100,
      maximum: 600_000,
      // Half of the most common keep-alive, 60 s; each client's own keep-alive shortens it further.
      default: 30_000,
      description:
        'How long an acknowledgement is withheld while the log cannot take the event; then the connection is closed ' +
        "without it and the client sends again. Never longer than the client's keep-alive.",
    }),
    maxPacketBytes: Type.Integer({
      minimum: 128,
      maximum: 268_435_455,
      default: 1024 * 1024,
      description: 'A client that announces a larger packet is disconnected before the packet is buffered.',
    }),
    maxTopicBytes: Type.Integer({
      minimum: 1,
      maximum: 65_535,
      // The topic is kept with every event; real ones stay far below.
      default: 1024,
      description: 'Longest topic of a PUBLISH.',
    }),
    maxClients: Type.Integer({
      minimum: 1,
      // A connection costs some 20 KiB idle.
      default: 5_000,
      description: 'Open connections; more are dropped at once.',
    }),
    maxHeldBytes: Type.Integer({
      minimum: 1024,
      // Leaves room below a 400 MiB process while every source is refused.
      default: 64 * 1024 * 1024,
      description: 'Bytes of all publications that wait for the log; beyond it connections are closed.',
    }),
    connectTimeoutMs: Type.Integer({
      minimum: 100,
      default: 10_000,
      description: 'For the CONNECT packet to arrive.',
    }),
    keepaliveLimitSeconds: Type.Integer({
      minimum: 0,
      maximum: 65_535,
      default: 0,
      description:
        'Refuses clients with a longer keep-alive, or with none. 0: no limit; TCP keep-alive finds dead connections.',
    }),
    drainTimeoutMs: Type.Integer({
      minimum: 100,
      // One subscriber that does not read must not hold up the others for longer.
      maximum: 60_000,
      default: 10_000,
      description: 'A subscriber that takes nothing for so long is disconnected.',
    }),
  },
  { ...strict, default: {}, description: 'The embedded MQTT 3.1.1 broker.' },
)

export type MqttBrokerConfig = Static<typeof mqttBrokerSchema>
