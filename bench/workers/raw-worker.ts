import { parentPort, workerData } from 'node:worker_threads'
import { HandlerEvent } from '../../src/workers/event-object.ts'
import { FrameReader } from '../../src/workers/frame-codec.ts'

/**
 * The raw limit: a bare worker that decodes the same frames, calls the same function and answers with a status byte (and
 * the result's JSON) per event. No context, no order, no limits, no clock, no isolation. With `events` the function gets
 * the same lazily decoded CloudEvent as with us, without it nothing but a parsed body.
 */
const { file, handler, events } = workerData as { file: string; handler: string; events: boolean }
const module = (await import(file)) as Record<string, (event: { data: unknown }) => unknown>
const call = module[handler] as (event: { data: unknown }) => unknown

parentPort?.on('message', (bytes: Uint8Array<ArrayBuffer>) => {
  const frame = new FrameReader(bytes.buffer)
  const scratch = Buffer.allocUnsafeSlow(frame.count * 64)
  let at = 0
  for (let index = 0; index < frame.count; index++) {
    const head = frame.head(index)
    const event = events ? new HandlerEvent(frame, head) : { data: JSON.parse(frame.valueText(head)) as unknown }
    const result = call(event)
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
