import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mutants } from '../../chaos/mutants/mutants.ts'
import { assertPlanted, planted } from '../../chaos/mutants/plant.ts'
import { startNodeScript } from '../../support/child-process.ts'
import { simulateRebalances } from './rebalance-simulation.ts'

describe('a gateway on a topic whose group is rebalanced again and again', () => {
  it('loses nothing, keeps the order of keys and commits what is complete', async () => {
    let rebalances = 0
    for (let seed = 1; seed <= 60; seed++) {
      const result = await simulateRebalances(seed)
      expect(result).toMatchObject({ seed, findings: [] })
      rebalances += result.rebalances
    }
    expect(rebalances).toBeGreaterThan(200)
  })

  it('is found out when it commits what it has only seen', async () => {
    const { edits } = mutants.find(({ name }) => name === 'commit what was seen')!
    const script = join(import.meta.dirname, 'play.ts')
    const child = startNodeScript({ script, args: ['1', '40'], ...planted(edits) })
    await child.exited
    assertPlanted(child, edits)
    expect(child.stdout.join('\n')).toContain('was committed and k')
    expect(child.stdout.at(-1)).not.toMatch(/^0 of/)
  })
})
