import { describe, expect, it } from 'vitest'
import { FrameNonces } from '../../src/workers/frame-nonces.ts'
import { FrameSession } from '../../src/workers/frame-session.ts'
import { encodeWaiting, type EncodedFrame, type WaitingFrame } from '../../src/workers/waiting-frame.ts'
import { PoolTally } from '../../src/workers/pool-tally.ts'
import { chunkFlag, resultStatus, ResultWriter } from '../../src/workers/result-codec.ts'
import { invocationOf, type RecordedInvocation } from './worker-fixtures.ts'

const nonces = new FrameNonces()
const tally = new PoolTally()

interface Frame extends WaitingFrame {
  readonly invocations: readonly RecordedInvocation[]
  readonly frame: EncodedFrame['frame']
  isDone: boolean
}

function frameOf(events: number): Frame {
  const invocations = Array.from({ length: events }, (_, n) => invocationOf({ n }))
  const waiting = {
    invocations,
    done: () => (made.isDone = true),
    onBegin: undefined,
    alone: false,
    sinceMs: 0,
    encoded: undefined,
  }
  const encoded = encodeWaiting(waiting, { nonces, careful: false, tally })
  const made: Frame = { ...waiting, frame: encoded!.frame, isDone: false }
  return made
}

/** What a worker says of the first events of a frame. */
function chunk({ frame }: Frame, succeeded: number, flags: number, taken: number): Uint8Array {
  const writer = new ResultWriter()
  writer.begin(frame.nonce)
  for (let index = 0; index < succeeded; index++) writer.status(index, resultStatus.none, 1)
  return writer.take(flags, taken)
}

function sessionOf(...frames: readonly Frame[]): FrameSession {
  const [first, ...others] = frames as [Frame, ...Frame[]]
  const session = new FrameSession(first.frame, first)
  for (const frame of others) session.add(frame.frame, frame)
  return session
}

const invocationsOf = (frames: readonly WaitingFrame[]) => frames.map(({ invocations }) => invocations)

describe('a session', () => {
  it('counts the events of all its frames, and ends each frame by itself', () => {
    const [first, second] = [frameOf(2), frameOf(3)]
    const session = sessionOf(first, second)
    expect(session.open).toBe(5)
    session.receive(chunk(second, 1, 0, 2))
    expect(session.open).toBe(4)
    expect(second.isDone).toBe(false)
    session.receive(chunk(second, 3, chunkFlag.final, 2))
    expect([first.isDone, second.isDone]).toEqual([false, true])
    expect(session.open).toBe(2)
    expect(session.count).toBe(2)
  })

  it('knows no answer to a frame of another one', () => {
    expect(sessionOf(frameOf(1)).receive(chunk(frameOf(1), 1, chunkFlag.final, 1))).toBeUndefined()
  })

  it('gives back what joined when it was over', () => {
    const [first, second, third, fourth] = [frameOf(1), frameOf(1), frameOf(2), frameOf(1)]
    const session = sessionOf(first, second, third, fourth)
    session.receive(chunk(second, 1, chunkFlag.final, 2))
    const last = chunk(first, 1, chunkFlag.final, 2)
    expect(invocationsOf(session.over(last))).toEqual(invocationsOf([third, fourth]))
    session.receive(last)
    expect(session.open).toBe(0)
    expect(session.frames).toEqual([])
    expect([third.isDone, fourth.isDone]).toEqual([false, false])
    expect([...third.invocations, ...fourth.invocations].flatMap(({ outcomes }) => outcomes)).toEqual([])
  })

  it('gives back nothing that may have begun: not after an answer that is none, and not what has an outcome', () => {
    const [first, second] = [frameOf(1), frameOf(1)]
    expect(sessionOf(first, second).over(new Uint8Array(3))).toEqual([])
    expect(sessionOf(first, second).over(new Uint8Array(50).fill(1))).toEqual([])
    expect(sessionOf(first, second).over(chunk(frameOf(1), 1, chunkFlag.final, 1))).toEqual([])
    expect(sessionOf(first, second).over()).toEqual([])
    const liar = sessionOf(first, frameOf(1))
    const other = frameOf(2)
    liar.add(other.frame, other)
    liar.receive(chunk(other, 1, 0, 1))
    expect(invocationsOf(liar.over(chunk(first, 1, chunkFlag.final, 1)))).not.toContain(other.invocations)
  })

  it('knows what had not begun of a worker that was ended on its own word', () => {
    const [first, second, third] = [frameOf(1), frameOf(1), frameOf(1)]
    const session = sessionOf(first, second, third)
    session.receive(chunk(first, 1, chunkFlag.final, 2))
    session.receive(chunk(second, 1, chunkFlag.final | chunkFlag.end, 2))
    expect(invocationsOf(session.over())).toEqual(invocationsOf([third]))
  })

  it.each([
    ['an answer to no frame', () => new Uint8Array(50)],
    [
      'an answer that ends a frame without all of its outcomes',
      ([first]: readonly Frame[]) => chunk(first!, 1, chunkFlag.final, 1),
    ],
  ])('is the last one of its worker after %s', (_what, make) => {
    const frames = [frameOf(2), frameOf(1)]
    const session = sessionOf(...frames)
    session.receive(make(frames))
    expect(session.isLast).toBe(true)
    expect(frames[0]!.isDone).toBe(false)
  })

  it('is closed to others when its first frame is careful or has to be alone', () => {
    const [frame, other] = [frameOf(1), frameOf(1)]
    expect(sessionOf(frame).isClosed).toBe(false)
    expect(new FrameSession(other.frame, { ...other, alone: true }).isClosed).toBe(true)
    const careful = encodeWaiting(frame, { nonces, careful: true, tally })!
    expect(new FrameSession(careful.frame, frame).isClosed).toBe(true)
  })

  it('knows whether the worker has what joined it', () => {
    const [first, second] = [frameOf(2), frameOf(1)]
    const session = sessionOf(first)
    expect(session.hasUntaken).toBe(false)
    session.add(second.frame, second)
    expect(session.hasUntaken).toBe(true)
    session.receive(chunk(first, 1, 0, 1))
    expect(session.hasUntaken).toBe(true)
    session.receive(chunk(second, 0, 0, 2))
    expect(session.hasUntaken).toBe(false)
  })

  it('is the last one of its worker as soon as any frame says so', () => {
    const [first, second] = [frameOf(1), frameOf(1)]
    const session = sessionOf(first, second)
    expect(session.isLast).toBe(false)
    session.receive(chunk(second, 1, chunkFlag.final | chunkFlag.expire, 2))
    expect(session.isLast).toBe(true)
  })
})
