import { parentPort, workerData } from 'node:worker_threads'
import { loadFunction, LoadFailure } from './handler-loader.ts'
import { describeThrown } from './invocation-error.ts'

/** The throw-away worker of check-module.ts: loads one module and tells how it went. `init` is not called. */
const { file, handler } = workerData as { file: string; handler: string }
const port = parentPort
const { apply } = Reflect
const postMessage = port?.postMessage

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
