import { writeFileSync } from 'node:fs'
import { declarationsModule } from './handler-declarations.ts'

/** Writes src/cli/init/type-declarations.ts. A test asserts that the file is fresh. */
writeFileSync(new URL('../src/cli/init/type-declarations.ts', import.meta.url), declarationsModule())
