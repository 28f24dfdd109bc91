#!/usr/bin/env node
// Plain JavaScript, so that an old Node gets as far as the check and says what to do.
const LEAST_NODE_VERSION = 24

if (Number(process.versions.node.split('.')[0]) < LEAST_NODE_VERSION) {
  console.error(
    `This is Node ${process.versions.node}; Sluice needs Node ${LEAST_NODE_VERSION} or newer. ` +
      'Run it as "npm run kafka" after "npm ci", which brings the right one.',
  )
  process.exit(1)
}

const { runKafka } = await import('../test/support/kafka/run-kafka.ts')
try {
  await runKafka()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
