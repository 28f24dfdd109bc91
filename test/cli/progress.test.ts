import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { CommandIo } from '../../src/cli/command-io.ts'
import { createLiveLine, withProgress } from '../../src/cli/progress.ts'

let err = ''
const io = (columns?: number) =>
  ({
    err: (text: string) => (err += text),
    errTerminal: columns === undefined ? undefined : { columns, colors: false },
  }) as unknown as CommandIo

beforeEach(() => {
  err = ''
  vi.useFakeTimers()
})
afterEach(() => vi.useRealTimers())

/** Work that takes so long. */
const work = (durationMs: number) => new Promise<string>(resolve => setTimeout(() => resolve('done'), durationMs))

describe('withProgress', () => {
  it('says nothing of what takes no second', async () => {
    const result = withProgress(io(80), 'uploading', work(900))
    await vi.advanceTimersByTimeAsync(1_000)
    await expect(result).resolves.toBe('done')
    expect(err).toBe('')
  })

  it('shows on a terminal what is going on and for how long, and takes the line away', async () => {
    const result = withProgress(io(80), 'uploading', work(3_000))
    await vi.advanceTimersByTimeAsync(2_500)
    expect(err).toMatch(/\r\u001b\[2K. uploading … 2 s$/)
    await vi.advanceTimersByTimeAsync(1_000)
    await result
    expect(err).toMatch(/\r\u001b\[2K$/)
  })

  it('writes one plain line elsewhere', async () => {
    const result = withProgress(io(), 'uploading', work(5_000))
    await vi.advanceTimersByTimeAsync(6_000)
    await result
    expect(err).toBe('uploading …\n')
  })

  it('ends with what the work ends with', async () => {
    await expect(withProgress(io(80), 'uploading', Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a live line', () => {
  it('never wraps, whatever it holds', () => {
    createLiveLine(io(20)).show('a long text with\na line end and more')
    expect(err).toBe('\r\u001b[2Ka long text with a…')
  })
})
