import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startNodeScript } from '../support/child-process.ts'
import { simulate } from './simulation.ts'

const seeds = ['3', '14', '159', '265']

async function digests(): Promise<readonly string[]> {
  const child = startNodeScript({ script: join(import.meta.dirname, 'digest-child.ts'), args: seeds })
  const { code } = await child.exited
  if (code !== 0) throw new Error(child.lines.join('\n'))
  return child.stdout
}

describe('a simulated gateway', () => {
  it('does the same for the same seed, step by step, in every process', async () => {
    const [first, second] = await Promise.all([digests(), digests()])
    expect(first).toHaveLength(seeds.length)
    expect(second).toEqual(first)
    expect(new Set(first.map(line => line.split(' ')[1])).size).toBe(seeds.length)
  })

  it('keeps what it promised, whatever happens to it', async () => {
    for (let seed = 1; seed <= 60; seed++) expect(await simulate(seed)).toMatchObject({ seed, findings: [] })
  })

  it('dies while a circuit breaker has opened, and the breaker closes by itself all the same', async () => {
    let deaths = 0
    let closings = 0
    for (let seed = 1; seed <= 60; seed++) {
      const { steps, findings } = await simulate(seed, true)
      expect(findings).toEqual([])
      let isOpen = false
      for (const step of steps) {
        if (step.includes('circuit breaker has paused')) isOpen = true
        else if (step.includes('circuit breaker has resumed')) [isOpen, closings] = [false, closings + 1]
        else if (isOpen && /trouble: (kill|power|stop)/.test(step)) deaths++
      }
    }
    expect([deaths > 5, closings > 20]).toEqual([true, true])
  })

  it('is told of when it does not: a run that nobody asked for is found', async () => {
    const { Simulation } = await import('./simulation.ts')
    const { scenarioOf } = await import('./scenario.ts')
    const { judgeSimulation } = await import('./judge-simulation.ts')
    const simulation = new Simulation(scenarioOf(1))
    const run = { id: 'k0-1', key: 'k0', sequence: 1, attempt: 1, startUs: 1, endUs: 2, outcome: 'done' as const }
    simulation.journals.get('plain')!.runs.push(run)
    expect(judgeSimulation(simulation).findings).toEqual(['plain: invented: k0-1 ran and was never sent'])
  })
})
