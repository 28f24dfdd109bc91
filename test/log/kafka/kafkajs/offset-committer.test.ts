import { afterEach, describe, expect, it } from 'vitest'
import { Assignment } from '../../../../src/log/kafka/kafkajs/assignment.ts'
import { OffsetCommitter } from '../../../../src/log/kafka/kafkajs/offset-committer.ts'

const kafkaError = (type: string): Error =>
  Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type, retriable: false })
const ending: AbortController[] = []
afterEach(() => ending.splice(0).forEach(controller => controller.abort()))

function setUp(
  partitions: readonly number[],
  send: (sent: number) => Error | undefined = () => undefined,
  timeoutMs = 10_000,
) {
  const assignment = new Assignment()
  const sent: Record<string, number>[] = []
  const generationWaiters: (() => void)[] = []
  const controller = new AbortController()
  ending.push(controller)
  const committer = new OffsetCommitter({
    group: 'g',
    assignment,
    send: offsets => {
      sent.push(Object.fromEntries(offsets))
      const error = send(sent.length)
      return error ? Promise.reject(error) : Promise.resolve()
    },
    nextGeneration: () => new Promise(resolve => generationWaiters.push(resolve)),
    timeoutMs,
    signal: controller.signal,
  })
  const join = (memberId: string, generation: number, assigned: readonly number[]): void => {
    for (const partition of assignment.join(memberId, generation, assigned).gained)
      assignment.get(partition)!.isAnnounced = true
    for (const resolve of generationWaiters.splice(0)) resolve()
  }
  join('m', 1, partitions)
  return { committer, sent, join, controller }
}

describe('an offset committer', () => {
  it('puts commits of one go into one request, the highest of each partition', async () => {
    const { committer, sent } = setUp([0, 1])
    await Promise.all([
      committer.commit(1, new Map([[0, 5]])),
      committer.commit(1, new Map([[1, 2]])),
      committer.commit(1, new Map([[0, 3]])),
    ])
    expect(sent).toEqual([{ 0: 5, 1: 2 }])
  })

  it('drops what belongs to another epoch or is not owned', async () => {
    const { committer, sent } = setUp([0])
    await committer.commit(0, new Map([[0, 5]]))
    await committer.commit(2, new Map([[0, 5]]))
    await committer.commit(1, new Map([[7, 5]]))
    expect(sent).toEqual([])
  })

  it('never moves backwards', async () => {
    const { committer, sent } = setUp([0])
    await committer.commit(1, new Map([[0, 5]]))
    await committer.commit(1, new Map([[0, 4]]))
    expect(sent).toEqual([{ 0: 5 }])
  })

  it('drops what is lost in a rebalance, and commits what stays in the next generation', async () => {
    const { committer, sent, join } = setUp([0, 1], attempt =>
      attempt === 1 ? kafkaError('REBALANCE_IN_PROGRESS') : undefined,
    )
    const committed = committer.commit(
      1,
      new Map([
        [0, 5],
        [1, 6],
      ]),
    )
    await new Promise(resolve => setImmediate(resolve))
    join('m', 2, [1])
    await committed
    expect(sent).toEqual([{ 0: 5, 1: 6 }, { 1: 6 }])
  })

  it('drops everything under a new member id', async () => {
    const { committer, sent, join } = setUp([0], attempt =>
      attempt === 1 ? kafkaError('UNKNOWN_MEMBER_ID') : undefined,
    )
    const committed = committer.commit(1, new Map([[0, 5]]))
    await new Promise(resolve => setImmediate(resolve))
    join('n', 3, [0])
    await committed
    expect(sent).toEqual([{ 0: 5 }])
  })

  it('says after its time that it could not commit, and commits the offset with the next one', async () => {
    const { committer, sent } = setUp(
      [0, 1],
      attempt => (attempt === 1 ? kafkaError('REQUEST_TIMED_OUT') : undefined),
      -1,
    )
    await expect(committer.commit(1, new Map([[0, 5]]))).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_COMMIT',
      retryable: true,
    })
    await committer.commit(1, new Map([[1, 1]]))
    expect(sent.at(-1)).toEqual({ 0: 5, 1: 1 })
  })

  it('resolves without a commit when the membership ends', async () => {
    const { committer, sent, controller } = setUp([0], () => kafkaError('REQUEST_TIMED_OUT'))
    const committed = committer.commit(1, new Map([[0, 5]]))
    await new Promise(resolve => setImmediate(resolve))
    controller.abort()
    await committed
    await committer.commit(1, new Map([[0, 6]]))
    expect(sent).toEqual([{ 0: 5 }])
  })
})
