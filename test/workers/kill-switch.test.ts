import { describe, expect, it, vi } from 'vitest'
import { KillSwitch } from '../../src/workers/kill-switch.ts'

describe('a kill switch', () => {
  it('ends the task it was given to, once', () => {
    const end = vi.fn<() => void>()
    const killSwitch = new KillSwitch()
    killSwitch.once('abort', end)
    killSwitch.pull()
    killSwitch.pull()
    expect(end).toHaveBeenCalledOnce()
  })

  it('leaves a task alone that has ended, and knows the next one', () => {
    const [first, second] = [vi.fn<() => void>(), vi.fn<() => void>()]
    const killSwitch = new KillSwitch()
    killSwitch.once('abort', first)
    killSwitch.removeListener('abort', first)
    killSwitch.once('abort', second)
    // The end of the first is told again.
    killSwitch.removeListener('abort', first)
    killSwitch.pull()
    expect(first).not.toHaveBeenCalled()
    expect(second).toHaveBeenCalledOnce()
  })
})
