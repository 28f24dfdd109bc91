import { parentPort, workerData } from 'node:worker_threads'
import { hideCompileCache } from './compile-cache.ts'
import { loadFunction, LoadFailure } from './handler-loader.ts'
import { guardImports } from './import-guard.ts'
import { describeThrown } from './invocation-error.ts'
import type { CheckedFunction } from './check-module.ts'

/** The throw-away worker of check-module.ts: loads one module and tells how it went. `init` is not called. */
const { file, handler, environment, selfContained } = workerData as CheckedFunction
const port = parentPort
const { apply } = Reflect
const postMessage = port?.postMessage

process.setSourceMapsEnabled(true)
hideCompileCache(environment)
if (selfContained) guardImports(file)

loadFunction(file, handler)
  .then(
    () => ({ ok: true }),
    (thrown: unknown) => ({
      ok: false,
      error: thrown instanceof LoadFailure ? thrown.error : describeThrown('load', thrown),
    }),
  )
  .then(answer => {
    if (postMessage !== undefined) apply(postMessage, port, [answer])
  })
  // What cannot be answered shows as the end of this thread.
  .catch(() => process.exit(1))
