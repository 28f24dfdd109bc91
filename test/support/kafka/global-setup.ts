import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { leashDirectory } from '../leash.ts'
import { missingPartFiles, RUN_DIRECTORY_VARIABLE, sharedPartsSocket } from '../run-directory.ts'
import { type KafkaHarness, startKafka } from './kafka-broker.ts'

/**
 * Runs once in the main process of the test runner. It starts nothing by itself: test files run in forks that come and
 * go, so they ask here, and the first who needs Kafka makes it start. Returns the end of the run.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-test-run-'))
  const unleash = leashDirectory(directory)
  process.env[RUN_DIRECTORY_VARIABLE] = directory

  let kafka: Promise<KafkaHarness> | undefined
  const server = createServer((request, response) => {
    if (request.url !== '/kafka') {
      response.writeHead(404).end(`nothing is shared as ${String(request.url)}`)
      return
    }
    kafka ??= startKafka()
    kafka.then(
      ({ brokers }) => response.end(brokers),
      (error: unknown) => response.writeHead(503).end(error instanceof Error ? error.message : String(error)),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(sharedPartsSocket(directory), resolve)
  })

  return async () => {
    server.close()
    server.closeAllConnections()
    await kafka?.then(
      harness => harness.stop(),
      () => {},
    )
    for (const file of missingPartFiles(directory)) console.warn(`skipped: ${await readFile(file, 'utf8')}`)
    await rm(directory, { recursive: true, force: true })
    unleash()
  }
}
