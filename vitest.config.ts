import { defineConfig } from 'vitest/config'

/** Forks, because the code under test makes worker threads and changes directories; one file at a time, because two cores also run Kafka. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ['test/support/kafka/global-setup.ts'],
  },
})
