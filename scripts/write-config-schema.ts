import { writeFileSync } from 'node:fs'
import { editorSchema } from '../src/config/editor-schema.ts'

/** Writes config/sluice.schema.json: `npm run schema`. A test asserts that the file is fresh. */
const file = new URL('../config/sluice.schema.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(editorSchema(), null, 2)}\n`)
