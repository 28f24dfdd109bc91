import { join } from 'node:path'
import type { FileLayer } from './file-layer.ts'
import type { Segment } from './segment.ts'

const chunkBytes = 1_048_576

/**
 * Keeps the raw bytes of a damaged range in `corrupt/`, for people. The name is the place, so the same damage is kept
 * once however often it is met. A copy that fails (no room) is left out: it must not keep the log from going on.
 */
export async function saveCorruptBytes(
  files: FileLayer,
  directory: string,
  segment: Segment,
  at: number,
  bytes: number,
): Promise<void> {
  const folder = join(directory, 'corrupt')
  try {
    await files.makeDirectory(folder)
    const copy = await files.open(join(folder, `${segment.name}-${at}.bin`), 'create')
    const source = await files.open(join(directory, segment.name), 'read')
    try {
      for (let done = 0; done < bytes; done += chunkBytes) {
        const chunk = Buffer.alloc(Math.min(chunkBytes, bytes - done))
        const filled = await source.read(chunk, at + done)
        await copy.write([chunk.subarray(0, filled)], done)
        if (filled < chunk.length) break
      }
      await copy.sync()
    } finally {
      await source.close()
      await copy.close()
    }
    await files.syncDirectory(folder)
  } catch {
    // Also EEXIST: it was kept before.
  }
}
