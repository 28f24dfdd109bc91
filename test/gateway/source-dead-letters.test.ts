import { expect, it } from 'vitest'
import { SluiceError } from '../../src/errors/sluice-error.ts'
import { keepPublication } from '../../src/gateway/source-dead-letters.ts'
import type { NewDeadLetter } from '../../src/store/dead-letters.ts'
import type { HomeStore } from '../../src/store/home-store.ts'

const publication = { topic: 'devices/d1', payload: Buffer.from('no JSON'), qos: 1, retain: false } as const
const problem = { reason: 'mapping', message: 'there is no /id' } as const

it('keeps a publication that could not become an event, and nothing while the disk has room for completions only', async () => {
  const kept: NewDeadLetter[] = []
  const store = {
    putDeadLetter: (letter: NewDeadLetter) => Promise.resolve(void kept.push(letter)),
  } as unknown as HomeStore
  const refusals: SluiceError[] = []
  const keep = keepPublication({ store, reserve: { refusalOf: () => refusals[0] }, now: () => 1_000 }, 'devices')
  await keep(problem, publication)
  refusals.push(new SluiceError('SLUICE_LOG_FULL', 'less than 64 MiB are free'))
  await expect(keep(problem, publication)).rejects.toBe(refusals[0])
  expect(kept).toMatchObject([{ trigger: 'source:devices', reason: 'mapping', message: 'there is no /id' }])
})
