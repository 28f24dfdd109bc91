import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Assignment } from '../../../../src/log/kafka/kafkajs/assignment.ts'

function announce(assignment: Assignment, partitions: readonly number[]): void {
  for (const partition of partitions) assignment.get(partition)!.isAnnounced = true
}

describe('an assignment', () => {
  it('keeps what a member has before and after, in its old epoch', () => {
    const assignment = new Assignment()
    announce(assignment, assignment.join('m', 1, [0, 1]).gained)
    expect(assignment.join('m', 2, [1, 2])).toEqual({ revoked: new Map([[1, [0]]]), gained: [2], kept: [1] })
    expect(assignment.get(1)!.epoch).toBe(1)
    expect(assignment.get(2)!.epoch).toBe(2)
  })

  it('keeps nothing under a new member id: somebody else may have owned it meanwhile', () => {
    const assignment = new Assignment()
    announce(assignment, assignment.join('m', 1, [0, 1]).gained)
    expect(assignment.join('n', 3, [0, 1])).toEqual({ revoked: new Map([[1, [0, 1]]]), gained: [0, 1], kept: [] })
    expect(assignment.ownedSince(1, 0)).toBeUndefined()
    expect(assignment.ownedSince(3, 0)).toBeDefined()
  })

  it('keeps nothing when it missed a generation, in which others may have owned it', () => {
    const assignment = new Assignment()
    announce(assignment, assignment.join('m', 1, [0, 1]).gained)
    expect(assignment.join('m', 3, [0, 1])).toEqual({ revoked: new Map([[1, [0, 1]]]), gained: [0, 1], kept: [] })
  })

  it('does not revoke what was never announced, and gains it again', () => {
    const assignment = new Assignment()
    assignment.join('m', 1, [0, 1])
    expect(assignment.join('m', 2, [1])).toEqual({ revoked: new Map(), gained: [1], kept: [] })
  })

  it('revokes everything by epoch when the membership ends', () => {
    const assignment = new Assignment()
    announce(assignment, assignment.join('m', 1, [0]).gained)
    announce(assignment, assignment.join('m', 2, [0, 1]).gained)
    expect(assignment.end()).toEqual(
      new Map([
        [1, [0]],
        [2, [1]],
      ]),
    )
    expect(assignment.get(0)).toBeUndefined()
  })

  it('tells handlers a story without holes: each partition is gained, then lost, under one epoch at a time', () => {
    const join = fc.record({
      member: fc.constantFrom('m', 'n'),
      partitions: fc.uniqueArray(fc.integer({ min: 0, max: 5 })),
      announces: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(join), joins => {
        const assignment = new Assignment()
        const owned = new Map<number, number>()
        for (const [index, { member, partitions, announces }] of joins.entries()) {
          const generation = index + 1
          const { revoked, gained, kept } = assignment.join(member, generation, partitions)
          for (const [epoch, lost] of revoked)
            for (const partition of lost) {
              expect(owned.get(partition)).toBe(epoch)
              owned.delete(partition)
            }
          for (const partition of gained) expect(owned.has(partition)).toBe(false)
          expect([...kept].sort()).toEqual([...owned.keys()].sort())
          expect([...gained, ...kept].sort()).toEqual([...partitions].sort())
          if (!announces) continue
          announce(assignment, gained)
          for (const partition of gained) owned.set(partition, generation)
        }
      }),
    )
  })
})
