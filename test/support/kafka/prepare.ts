// Fetches and prepares Kafka ahead of time, so that no test waits for a download: node test/support/kafka/prepare.ts
import { classArchiveArguments } from './class-archive.ts'
import { resolveKafka } from './resolve-kafka.ts'

const installation = await resolveKafka()
await classArchiveArguments(installation)
console.log(`Apache Kafka ${installation.version} is ready in ${installation.home}`)
