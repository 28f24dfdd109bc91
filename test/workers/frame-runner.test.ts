import { describe, expect, it } from 'vitest'
import { AttemptScope } from '../../src/workers/attempt-scope.ts'
import type { ContextSurroundings } from '../../src/workers/context.ts'
import { encodeFrame, type FrameNonce } from '../../src/workers/frame-codec.ts'
import { FrameRunner } from '../../src/workers/frame-runner.ts'
import type { LoadedFunction } from '../../src/workers/handler-loader.ts'
import { invocationError } from '../../src/workers/invocation-error.ts'
import { chunkFlag, chunkPrologue } from '../../src/workers/result-codec.ts'
import type { WorkerLife } from '../../src/workers/worker-life.ts'
import { invocationOf } from './worker-fixtures.ts'

/** The runner of a worker without its thread: its handler writes down which event began, and ends it when told to. */
class Worker {
  readonly begun: number[] = []
  readonly posted: Uint8Array[] = []
  readonly runner: FrameRunner
  readonly #ends = new Map<number, () => void>()
  #frames = 0

  constructor() {
    const nothing = (): void => undefined
    const surroundings = {
      settings: { timeoutMs: 60_000, concurrency: 8, maxResultBytes: 1_000 },
      logs: { flush: nothing, flushAll: nothing, log: nothing },
      metrics: { flush: nothing },
    } as unknown as ContextSurroundings
    const handler = ({ data: { n } }: { data: { n: number } }): Promise<void> => {
      this.begun.push(n)
      return new Promise(resolve => this.#ends.set(n, resolve))
    }
    this.runner = new FrameRunner({ handler } as unknown as LoadedFunction, {
      surroundings,
      scope: new AttemptScope(),
      globalCheck: () => undefined,
      life: { called: nothing, end: undefined } as unknown as WorkerLife,
      tracing: undefined,
      post: chunk => this.posted.push(chunk),
    })
  }

  /** With one event; its nonce counts. */
  frame(n: number): Uint8Array<ArrayBuffer> {
    const nonce: FrameNonce = { high: 0, low: ++this.#frames }
    return encodeFrame([invocationOf({ n })], nonce, false) as Uint8Array<ArrayBuffer>
  }

  end(n: number): void {
    this.#ends.get(n)?.()
  }
}

const lastOf = (chunk: unknown) => {
  const { nonce, flags, taken } = chunkPrologue(chunk)
  return { frame: nonce.low, taken, isFinal: (flags & chunkFlag.final) !== 0 }
}

describe('a session of a worker', () => {
  it('ends with the frame that ends last, and posts the ends of the others', async () => {
    const worker = new Worker()
    const session = worker.runner.run(worker.frame(1))
    worker.runner.join({ session: 1, frame: worker.frame(2) })
    expect(worker.begun).toEqual([1, 2])
    expect(worker.posted.map(lastOf)).toEqual([{ frame: 2, taken: 2, isFinal: false }])
    worker.end(1)
    await expect.poll(() => worker.posted.map(lastOf).slice(1)).toEqual([{ frame: 1, taken: 2, isFinal: true }])
    worker.end(2)
    expect(lastOf(await session)).toEqual({ frame: 2, taken: 2, isFinal: true })
  })

  it('takes no frame when it is over', async () => {
    const worker = new Worker()
    const first = worker.runner.run(worker.frame(1))
    worker.end(1)
    expect(lastOf(await first)).toEqual({ frame: 1, taken: 1, isFinal: true })
    worker.runner.join({ session: 1, frame: worker.frame(2) })
    const second = worker.runner.run(worker.frame(3))
    worker.runner.join({ session: 1, frame: worker.frame(4) })
    worker.end(3)
    expect(lastOf(await second)).toEqual({ frame: 3, taken: 1, isFinal: true })
    expect(worker.begun).toEqual([1, 3])
  })

  it('takes the frames that were here before it, in their order', async () => {
    const worker = new Worker()
    worker.runner.join({ session: 1, frame: worker.frame(2) })
    worker.runner.join({ session: 1, frame: worker.frame(3) })
    expect(worker.begun).toEqual([])
    const session = worker.runner.run(worker.frame(1))
    expect(worker.begun).toEqual([1, 2, 3])
    for (const n of [1, 2, 3]) worker.end(n)
    expect(lastOf(await session)).toMatchObject({ taken: 3 })
  })

  it('takes no frame when it was given up, and says so with the last word of all', () => {
    const worker = new Worker()
    void worker.runner.run(worker.frame(1))
    worker.runner.join({ session: 1, frame: worker.frame(2) })
    worker.runner.giveUp(undefined, invocationError('timeout', 'TimeoutError', 'too long'))
    worker.runner.join({ session: 1, frame: worker.frame(3) })
    expect(worker.begun).toEqual([1, 2])
    const said = worker.posted.map(chunkPrologue).filter(({ flags }) => (flags & chunkFlag.final) !== 0)
    expect(said.map(({ flags, taken }) => [flags & chunkFlag.end, taken])).toEqual([
      [0, 2],
      [chunkFlag.end, 2],
    ])
  })
})
