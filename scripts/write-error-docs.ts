import { mkdirSync, writeFileSync } from 'node:fs'
import { errorReference } from './error-reference.ts'

/** Writes docs/reference/errors.md: `npm run docs:errors`. A test asserts that the file is fresh. */
const file = new URL('../docs/reference/errors.md', import.meta.url)
mkdirSync(new URL('.', file), { recursive: true })
writeFileSync(file, errorReference())
