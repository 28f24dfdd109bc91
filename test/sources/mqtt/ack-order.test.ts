import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AckOrder } from '../../../src/sources/mqtt/ack-order.ts'

describe('AckOrder', () => {
  it('sends in the order of arrival, each as early as that allows, whatever settles first', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1_000_000 }), { minLength: 1, maxLength: 60 }), keys => {
        const order = new AckOrder()
        const sent: number[] = []
        const tickets = keys.map((_, index) => order.open(() => sent.push(index)))
        const settled = new Set<number>()
        const sequence = keys.map((key, index) => ({ key, index })).sort((a, b) => a.key - b.key)
        for (const { index } of sequence) {
          order.settle(tickets[index]!)
          settled.add(index)
          let prefix = 0
          while (settled.has(prefix)) prefix += 1
          expect(sent).toEqual(Array.from({ length: prefix }, (_, each) => each))
          expect(order.pending).toBe(keys.length - prefix)
        }
      }),
    )
  })

  it('keeps going when a ticket is opened or settled while another is sent', () => {
    const order = new AckOrder()
    const sent: string[] = []
    const first = order.open(() => {
      sent.push('first')
      order.settle(order.open(() => sent.push('third')))
    })
    const second = order.open(() => sent.push('second'))
    order.settle(second)
    order.settle(first)
    expect(sent).toEqual(['first', 'second', 'third'])
    expect(order.pending).toBe(0)
  })

  it('sends nothing of a connection that is gone', () => {
    const order = new AckOrder()
    const sent: number[] = []
    const ticket = order.open(() => sent.push(1))
    order.discard()
    order.settle(ticket)
    expect(sent).toEqual([])
  })
})
