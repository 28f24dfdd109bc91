import { parentPort, workerData } from 'node:worker_threads'
import { FrameReader } from '../../src/workers/frame-codec.ts'

/**
 * The raw limit: a bare worker that decodes the same frames, parses the same bodies, calls the same function and answers
 * with a status byte (and the result's JSON) per event. No event or context object, no order, no limits, no isolation.
 */
const { file, handler } = workerData as { file: string; handler: string }
const module = (await import(file)) as Record<string, (event: { data: unknown }) => unknown>
const call = module[handler] as (event: { data: unknown }) => unknown

parentPort?.on('message', (bytes: Uint8Array<ArrayBuffer>) => {
  const frame = new FrameReader(bytes.buffer)
  const scratch = Buffer.allocUnsafeSlow(frame.count * 64)
  let at = 0
  for (let index = 0; index < frame.count; index++) {
    const result = call({ data: JSON.parse(frame.valueText(frame.head(index))) as unknown })
    scratch[at++] = 0
    if (result !== undefined) {
      const text = JSON.stringify(result)
      scratch.writeUInt32LE(text.length, at)
      at += 4 + scratch.write(text, at + 4)
    }
  }
  const answer = new Uint8Array(at)
  answer.set(scratch.subarray(0, at))
  parentPort?.postMessage(answer, [answer.buffer])
})
parentPort?.postMessage('ready')
