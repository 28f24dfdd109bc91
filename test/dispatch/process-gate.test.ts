import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProcessGate } from '../../src/dispatch/process-gate.ts'

const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('ProcessGate', () => {
  it('lets nothing run beside what runs alone, and everything run in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('alone', 'beside'), { maxLength: 20 }), async kinds => {
        const gate = new ProcessGate()
        const running = { alone: 0, beside: 0 }
        const runs = kinds.map(async kind => {
          const release = await (kind === 'alone' ? gate.alone() : gate.beside())
          running[kind as 'alone' | 'beside']++
          for (let i = 0; i < 3; i++) {
            expect(running.alone === 0 || (running.alone === 1 && running.beside === 0)).toBe(true)
            await turn()
          }
          running[kind as 'alone' | 'beside']--
          release()
        })
        await Promise.all(runs)
        expect(gate.isOpen).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('is closed as soon as something wants to be alone, and says when it opens again', async () => {
    const gate = new ProcessGate()
    let opened = 0
    gate.onOpen(() => opened++)
    gate.entered()
    const alone = gate.alone()
    expect(gate.isOpen).toBe(false)
    gate.left()
    const release = await alone
    expect([gate.isOpen, opened]).toEqual([false, 0])
    release()
    expect([gate.isOpen, opened]).toEqual([true, 1])
  })
})
