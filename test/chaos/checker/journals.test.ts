import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import handler, { init } from '../functions/journal.mjs'
import { nowUs } from './history.ts'
import { RunJournal } from './run-journal.ts'
import { readSentJournal, SentJournal } from './sent-journal.ts'

let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-journal-'))
})

afterEach(() => rm(directory, { recursive: true }))

const event = (seq: number) => ({ id: `k-${seq}`, key: 'k', seq })

describe('the journal of senders', () => {
  it('has an event on disk before it may be sent', async () => {
    const file = join(directory, 'sent')
    const journal = await SentJournal.create(file)
    await Promise.all([0, 1, 2].map(seq => journal.send(`k-${seq}`, event(seq))))
    expect(await readFile(file, 'utf8')).toBe('sent k-0 k 0\nsent k-1 k 1\nsent k-2 k 2\n')
    await journal.close()
  })

  it('tells in the end what became of each event, and how many copies of it may exist', async () => {
    const file = join(directory, 'sent')
    const journal = await SentJournal.create(file)
    const [acknowledged, refused, lost, repeated, silent, refusedLater] = [0, 1, 2, 3, 4, 5].map(event)
    for (const one of [acknowledged, refused, lost, repeated, silent, refusedLater]) await journal.send(one!.id, one!)
    journal.acknowledge('k-0')
    journal.refuse('k-1')
    await journal.send('k-1', refused!)
    journal.refuse('k-1')
    journal.lose('k-2')
    journal.lose('k-3')
    await journal.send('k-3', repeated!)
    journal.acknowledge('k-3')
    journal.lose('k-5')
    await journal.send('k-5', refusedLater!)
    journal.refuse('k-5')
    await journal.close()
    const events = await readSentJournal(file)
    expect([...events.values()].map(({ id, outcome, copies }) => `${id} ${outcome} ${copies}`)).toEqual([
      'k-0 acknowledged 1',
      'k-1 refused 0',
      'k-2 unknown 1',
      'k-3 acknowledged 2',
      'k-4 unknown 1',
      'k-5 unknown 1',
    ])
    expect(events.get('k-3')).toMatchObject({ key: 'k', sequence: 3 })
    expect({ sent: journal.sent, acknowledged: journal.acknowledged }).toEqual({ sent: 6, acknowledged: 2 })
  })

  it('counts an event that is acknowledged twice once, and wakes who waits for so many', async () => {
    const journal = await SentJournal.create(join(directory, 'sent'))
    const waiting = journal.waitForAcknowledged(2)
    for (const seq of [0, 1]) await journal.send(`k-${seq}`, event(seq))
    journal.acknowledge('k-0')
    journal.acknowledge('k-0')
    expect(journal.acknowledged).toBe(1)
    journal.acknowledge('k-1')
    await waiting
    await journal.close()
  })
})

describe('the journal of runs', () => {
  it('takes in what the function under test wrote, line by line, while it grows', async () => {
    const file = join(directory, 'runs')
    init({ env: { JOURNAL: file } })
    const journal = new RunJournal(file)
    const before = nowUs()
    await handler({ data: event(0) }, { attempt: 1 })
    await expect(handler({ data: { ...event(1), act: 'throw' } }, { attempt: 2 })).rejects.toThrow('cannot digest k-1')
    await journal.waitForDone(1)
    await handler({ data: event(1) }, { attempt: 3 })
    await journal.waitForDone(2)
    expect(journal.runs).toMatchObject([
      { id: 'k-0', key: 'k', sequence: 0, attempt: 1, outcome: 'done' },
      { id: 'k-1', attempt: 2, outcome: 'failed' },
      { id: 'k-1', attempt: 3, outcome: 'done' },
    ])
    const times = [before, ...journal.runs.flatMap(({ startUs, endUs }) => [startUs, endUs]), nowUs()]
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    await journal.close()
  })

  it('counts lines that nobody wrote, and waits for the rest of one that is not whole', async () => {
    const file = join(directory, 'runs')
    const journal = new RunJournal(file)
    await appendFile(file, 'k-0 k 0 1 10 2')
    expect(await journal.read()).toEqual([])
    await appendFile(file, '0 done\nk-1 k 1 1 10k-2 k 2 1 10 20 done\n')
    expect(await journal.read()).toHaveLength(1)
    expect(journal.unreadable).toBe(1)
    await journal.close()
  })
})
