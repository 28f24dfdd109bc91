import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedLog, openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { type FileLayer, type LogFile, nodeFileLayer } from '../../../src/log/embedded/file-layer.ts'
import type { EmbeddedLogOptions } from '../../../src/log/embedded/options.ts'

/** A directory of a test with the logs opened in it; everything is closed and removed at the end. */
export class LogDirectory implements AsyncDisposable {
  readonly path: string
  readonly #logs: EmbeddedLog[] = []

  private constructor(path: string) {
    this.path = path
  }

  static async create(): Promise<LogDirectory> {
    return new LogDirectory(await mkdtemp(join(tmpdir(), 'sluice-log-')))
  }

  async open(options: Partial<EmbeddedLogOptions> = {}): Promise<EmbeddedLog> {
    const log = await openEmbeddedLog({ directory: this.path, stream: 'events', partitionCount: 2, ...options })
    this.#logs.push(log)
    return log
  }

  /** Names of the segment files in order. */
  async segments(): Promise<string[]> {
    return (await readdir(this.path)).filter(name => name.endsWith('.segment')).sort()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of this.#logs) await log.close()
    await rm(this.path, { recursive: true })
  }
}

/** Called before an operation; what it throws is how the operation fails. `bytes` is what a write would write. */
export type Fault = (operation: keyof FileLayer | keyof LogFile, path: string, bytes: number) => void

/** The real files with faults. A write that is refused has written half of its bytes before. */
export function faultyFileLayer(fault: Fault): FileLayer {
  return {
    makeDirectory: path => nodeFileLayer.makeDirectory(path),
    list: path => nodeFileLayer.list(path),
    async open(path, mode) {
      fault('open', path, 0)
      const file = await nodeFileLayer.open(path, mode)
      return {
        size: () => file.size(),
        read: (buffer, position) => file.read(buffer, position),
        async write(buffers, position) {
          const all = Buffer.concat(buffers)
          try {
            fault('write', path, all.length)
          } catch (error) {
            await file.write([all.subarray(0, all.length >> 1)], position)
            throw error
          }
          await file.write([all], position)
        },
        async sync() {
          fault('sync', path, 0)
          await file.sync()
        },
        async truncate(length) {
          fault('truncate', path, 0)
          await file.truncate(length)
        },
        close: () => file.close(),
      }
    },
    async remove(path) {
      fault('remove', path, 0)
      await nodeFileLayer.remove(path)
    },
    async syncDirectory(path) {
      fault('syncDirectory', path, 0)
      await nodeFileLayer.syncDirectory(path)
    },
    async freeBytes(path) {
      fault('freeBytes', path, 0)
      return nodeFileLayer.freeBytes(path)
    },
  }
}

/** An error as node:fs gives it. */
export function fileError(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: planted`), { code })
}

/** Random numbers in [0, 1) from a seed, so that a failure can be repeated (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
