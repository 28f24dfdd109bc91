import { parentPort, workerData } from 'node:worker_threads'
import { hideCompileCache } from './compile-cache.ts'
import { loadFunction, LoadFailure } from './handler-loader.ts'
import { guardImports } from './import-guard.ts'
import { describeThrown } from './invocation-error.ts'
import type { CheckedFunction } from './check-module.ts'
import { createThreadCheck } from './thread-check.ts'

/**
 * The throw-away worker of check-module.ts: loads modules one after the other and tells of each how it went. `init` is not
 * called. After one that has left something which others would find, the thread ends.
 */
const checked = workerData as readonly CheckedFunction[]
const port = parentPort
const { apply } = Reflect
const postMessage = port?.postMessage
const exit = process.exit.bind(process)

process.setSourceMapsEnabled(true)
hideCompileCache(checked[0]?.environment ?? {})

async function answerOf({ file, handler, selfContained }: CheckedFunction, index: number): Promise<object> {
  try {
    if (selfContained) guardImports(file)
    await loadFunction(file, handler)
    return { index, ok: true }
  } catch (thrown) {
    return { index, ok: false, error: thrown instanceof LoadFailure ? thrown.error : describeThrown('load', thrown) }
  }
}

async function checkAll(): Promise<void> {
  // Node loads some globals when they are looked at: only for those that others come after.
  const isChanged = checked.length > 1 ? createThreadCheck() : () => false
  for (const [index, each] of checked.entries()) {
    const answer = await answerOf(each, index)
    if (postMessage !== undefined) apply(postMessage, port, [answer])
    if (isChanged()) return exit()
  }
}

// What cannot be answered shows as the end of this thread.
checkAll().catch(() => exit(1))
