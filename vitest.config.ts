import { defineConfig } from 'vitest/config'

/**
 * Forks, because the code under test makes worker threads and changes directories. Two files at a time on every machine:
 * most of them wait for a process or a broker, and more would fight over the two cores that the tests are made for.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    globalSetup: ['test/support/kafka/global-setup.ts'],
  },
})
