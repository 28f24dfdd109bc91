import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { awaitKafka } from './await-kafka.ts'
import { KafkaNode, kafkaUuid } from './kafka-node.ts'
import type { KafkaInstallation } from './resolve-kafka.ts'

const START_TIMEOUT_MS = 60_000

/**
 * JVM arguments that load Kafka's classes from an archive, which halves the start of a broker. The archive is made once
 * for each Java and class path, by a broker that is started and stopped for it (about ten seconds).
 */
export async function classArchiveArguments(installation: KafkaInstallation): Promise<string[]> {
  const javaVersion = execFileSync('sh', ['-c', '"$0" -version 2>&1', installation.java], { encoding: 'utf8' })
  const key = createHash('sha256').update(javaVersion).update(installation.classPath).digest('hex').slice(0, 12)
  const archive = join(installation.home, `classes-${key}.jsa`)
  if (!existsSync(archive)) await makeArchive(installation, archive)
  // "auto" runs without the archive where the JVM finds it unfit.
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : []
}

async function makeArchive(installation: KafkaInstallation, archive: string): Promise<void> {
  const unfinished = `${archive}.unfinished-${process.pid}`
  const directory = await mkdtemp(join(tmpdir(), 'sluice-kafka-classes-'))
  const address = { nodeId: 1, clientPort: await freePort(), controllerPort: await freePort() }
  const node = new KafkaNode({
    installation,
    address,
    cluster: [address],
    clusterId: kafkaUuid(),
    directory,
    jvmArguments: ['-Xmx512m', '-XX:+UseSerialGC', `-XX:ArchiveClassesAtExit=${unfinished}`],
  })
  try {
    await node.start()
    await awaitKafka(address.clientPort, 1, START_TIMEOUT_MS, () => node.isRunning)
    await node.stop()
    // A Java without this option starts slower and is as good.
    if (existsSync(unfinished)) await rename(unfinished, archive)
  } finally {
    await node.kill()
    await rm(directory, { recursive: true, force: true })
    await rm(unfinished, { force: true })
  }
}
