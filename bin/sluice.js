#!/usr/bin/env node
// Plain, old JavaScript: this file must parse on Node 12, to say that it cannot run there. The version is checked before
// anything that needs a newer one is imported.
import { existsSync } from 'fs'
import { fileURLToPath } from 'url'
import { nodeVersionProblem } from './check-node-version.js'

const problem = nodeVersionProblem(process.version, process.execPath)
if (problem !== undefined) {
  process.stderr.write(problem + '\n')
  process.exitCode = 2
} else {
  const sources = new URL('../src/main.ts', import.meta.url)
  const built = new URL('../dist/main.js', import.meta.url)
  // Node strips the types of sources, but refuses to do so under node_modules; the packed tarball brings dist instead.
  const isInstalled = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url))
  const entry = !isInstalled && existsSync(sources) ? sources : built
  import(entry.href).catch(error => {
    process.stderr.write(
      'sluice: cannot load ' + fileURLToPath(entry) + ': ' + ((error && error.stack) || error) + '\n',
    )
    process.exitCode = 1
  })
}
