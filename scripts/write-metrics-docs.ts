import { writeFileSync } from 'node:fs'
import { metricsReference } from './metrics-reference.ts'

/** Writes docs/metrics.md: `npm run docs:metrics`. A test asserts that the file is fresh. */
writeFileSync(new URL('../docs/metrics.md', import.meta.url), await metricsReference())
