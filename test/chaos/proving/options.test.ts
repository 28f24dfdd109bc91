import { describe, expect, it } from 'vitest'
import { defineExperiment } from '../experiment.ts'
import { parseProveOptions } from './options.ts'

const experiment = (name: string, full: Record<string, number>, short: Record<string, number>) =>
  defineExperiment({ name, proves: '', full, short, run: () => Promise.reject(new Error('not here')) })

const kill = experiment('kill', { cycles: 300 }, { cycles: 3 })
const flip = experiment('flip', { flips: 10_000, logs: 10 }, { flips: 100, logs: 1 })
const parse = (...args: string[]) => parseProveOptions(args, [kill, flip])

describe('what is asked of npm run prove', () => {
  it('is everything in full with seed 1 when nothing is said', () => {
    const { experiments, mode, sizeOf, seed, again } = parse()
    expect({ experiments, mode, seed, again }).toEqual({
      experiments: [kill, flip],
      mode: 'full',
      seed: 1,
      again: false,
    })
    expect(sizeOf(flip)).toEqual({ flips: 10_000, logs: 10 })
  })

  it('is a slice of each with --short', () => {
    const { mode, sizeOf } = parse('--short')
    expect([mode, sizeOf(kill), sizeOf(flip)]).toEqual(['short', { cycles: 3 }, { flips: 100, logs: 1 }])
  })

  it('is some of them, with a seed', () => {
    expect(parse('--only', 'flip', '--seed', '99')).toMatchObject({ experiments: [flip], seed: 99 })
    expect(parse('--only', 'flip,kill').experiments).toEqual([flip, kill])
  })

  it('is another size, which counts for what has such a count', () => {
    const { mode, sizeOf } = parse('--size', 'cycles=5,flips=7')
    expect([mode, sizeOf(kill), sizeOf(flip)]).toEqual(['custom', { cycles: 5 }, { flips: 7, logs: 10 }])
  })

  it.each([
    [['--only', 'kil'], 'there is no experiment kil; there are kill, flip'],
    [['--seed=-1'], '--seed is a whole number'],
    [['--size', 'cycles'], '--size takes name=count, not cycles'],
    [['--size', 'cycle=3'], 'none of the experiments counts cycle'],
    [['--size', 'cycles=3', '--short'], 'two ways to say how much'],
    [['--fast'], "Unknown option '--fast'"],
  ])('cannot be %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message)
  })
})
