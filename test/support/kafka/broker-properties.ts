/** One node of a KRaft cluster in which every node is broker and controller. */
export interface KafkaNodeAddress {
  /** From 1 on. */
  nodeId: number
  clientPort: number
  controllerPort: number
}

/** Enough to see partitions at work. */
const PARTITIONS_OF_AUTO_CREATED_TOPICS = 6

/**
 * The settings of one node, as the text of its `server.properties`. Everything listens on loopback, without encryption
 * and accounts. Against the defaults of Kafka they are chosen for quick tests, each for the reason beside it.
 */
export function brokerProperties(
  node: KafkaNodeAddress,
  cluster: readonly KafkaNodeAddress[],
  dataDirectory: string,
  autoCreateTopics = false,
): string {
  const isCluster = cluster.length > 1
  const replicas = isCluster ? 3 : 1
  const leastInSync = isCluster ? 2 : 1
  const listeners = `PLAINTEXT://127.0.0.1:${node.clientPort}`
  const properties: Record<string, string | number | boolean> = {
    'process.roles': 'broker,controller',
    'node.id': node.nodeId,
    'controller.quorum.voters': cluster.map(each => `${each.nodeId}@127.0.0.1:${each.controllerPort}`).join(','),
    listeners: `${listeners},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    'advertised.listeners': listeners,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': dataDirectory,

    'auto.create.topics.enable': autoCreateTopics,
    'num.partitions': autoCreateTopics ? PARTITIONS_OF_AUTO_CREATED_TOPICS : 1,
    'default.replication.factor': replicas,
    'min.insync.replicas': leastInSync,
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': leastInSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': leastInSync,

    // Fifty partitions of each internal topic would be made at the first commit, while a test waits.
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.num.partitions': 4,
    // The first member of a group need not wait for a second.
    'group.initial.rebalance.delay.ms': 0,
    // Lets a test see a dead consumer leave its group within a second or two.
    'group.min.session.timeout.ms': 500,
    // A killed broker is noticed after four seconds, not nine.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 4000,
    'controlled.shutdown.enable': isCluster,
    // For two cores and a heap of 512 MiB.
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'log.cleaner.dedupe.buffer.size': 8_388_608,
  }
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')
}
