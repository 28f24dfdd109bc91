import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEmbeddedLog } from '../../../src/log/embedded/embedded-log.ts'

const cycles = 5

it('loses no acknowledged record when the process is killed under 256 appenders', async () => {
  const root = await mkdtemp(join(tmpdir(), 'sluice-kill-'))
  const directory = join(root, 'log')
  const ledgerPath = join(root, 'ledger')
  try {
    let acknowledged = 0
    for (let cycle = 0; cycle < cycles; cycle++) {
      const child = fork(join(import.meta.dirname, 'kill-appender.ts'), [directory, ledgerPath, String(cycle)], {
        execArgv: [],
      })
      await once(child, 'message')
      // Killed at a random moment: that is the experiment, not a wait for something.
      await new Promise(resolve => setTimeout(resolve, 150 + Math.random() * 250))
      child.kill('SIGKILL')
      await once(child, 'exit')

      const log = await openEmbeddedLog({ directory, stream: 'events', partitionCount: 4, segmentBytes: 300_000 })
      const held = await Promise.all([0, 1, 2, 3].map(partition => log.browse(partition, 0, Infinity)))
      const ledger = (await readFile(ledgerPath, 'utf8')).split('\n').slice(0, -1)
      const wrong = ledger.filter(line => {
        const [partition, offset, value] = line.split(' ')
        return held[Number(partition)]![Number(offset)]?.value!.toString() !== value
      })
      expect(wrong).toEqual([])
      for (const records of held) expect(records.map(({ offset }) => offset)).toEqual([...records.keys()])
      expect(log.stats().damaged).toBe(0)
      expect(ledger.length).toBeGreaterThan(acknowledged)
      acknowledged = ledger.length
      await log.close()
    }
  } finally {
    await rm(root, { recursive: true })
  }
})
