import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Verdict, WhyAnswer, WhyView } from '../../src/api/views/why-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

const streams = ['eat', 'quick', 'slow', 'others'] as const

beforeAll(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    // One partition, so that the tests know the offsets.
    streams: Object.fromEntries(streams.map(name => [name, { partitions: 1 }])),
    sources: Object.fromEntries(streams.map(name => [name, { type: 'http', path: `/${name}`, stream: name }])),
    functions: {
      eat: ledgerFunction('poison.mjs', file, { retry: { maxAttempts: 2, initialDelayMs: 60_000, jitter: 0 } }),
      quick: ledgerFunction('poison.mjs', file, { retry: { maxAttempts: 1 } }),
      hold: ledgerFunction('hold.mjs', file, { timeoutMs: 600_000, concurrency: 1, scaling: { maxWorkers: 1 } }),
      lazy: ledgerFunction('record.mjs', file, { scaling: { activationLagThreshold: 5 } }),
      record: ledgerFunction('record.mjs', file),
    },
    triggers: {
      eat: { stream: 'eat', function: 'eat' },
      picky: { stream: 'eat', function: 'record', filter: { type: 'com.example.*' } },
      quick: { stream: 'quick', function: 'quick' },
      hold: { stream: 'slow', function: 'hold' },
      lazy: { stream: 'others', function: 'lazy' },
      off: { stream: 'others', function: 'record', enabled: false },
      held: { stream: 'others', function: 'record' },
    },
  })))
  await gateway.start()
  await gateway.cli('pause', 'held', '--reason', 'a database is moved', '--by', 'ada')
  await send('eat', 'bad', 'k1', { act: 'throw' })
  await send('eat', 'behind', 'k1')
  await send('eat', 'good', 'k2')
  await send('quick', 'dead', 'k1', { act: 'throw' })
  await send('slow', 'first', 'k1')
  await send('slow', 'second', 'k1')
  await send('slow', 'elsewhere', 'k2')
  await send('others', 'other', 'k1')
}, 90_000)

afterAll(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function send(stream: string, id: string, key: string, more: object = {}): Promise<void> {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': id,
    'ce-source': '/test',
    'ce-type': 'test',
    'ce-partitionkey': key,
  }
  expect((await gateway.post(`/${stream}`, { id, key, seq: 1, ...more }, headers)).status).toBe(202)
}

const why = (query: string) => gateway.get<WhyView>(`/v1/why?${query}`)

/** The answer of a trigger, as soon as it has this verdict. */
async function answer(trigger: string, query: string, verdict: Verdict): Promise<WhyAnswer> {
  return gateway.until(`${trigger} answers ${verdict}`, async () => {
    const { answers } = await why(query)
    return answers.find(one => one.trigger === trigger && one.verdict === verdict)
  })
}

const about = (id: string, trigger: string, verdict: Verdict) => answer(trigger, `event=${id}`, verdict)

describe('sluice why, of an event', () => {
  it('that failed and is parked says which attempt comes when, and what the last one failed with', async () => {
    const { sentence, facts, partition, offset, key } = await about('bad', 'eat', 'parked')
    expect({ partition, offset, key }).toEqual({ partition: 0, offset: 0, key: 'k1' })
    expect(facts).toMatchObject({ attempt: 2, maxAttempts: 2, failure: { message: 'cannot digest bad' } })
    expect(sentence).toMatch(
      /^eat: event bad of key k1 \(eat\/0, offset 0\) is parked: attempt 2 of 2 is due at \S+Z \(cannot digest bad\)$/,
    )
  })

  it('that is parked behind another one of its key names it', async () => {
    const { sentence, facts } = await about('behind', 'eat', 'parked')
    expect(facts.behind).toMatchObject({ offset: 0, attempt: 2, dueAtMs: expect.any(Number) as number })
    expect(sentence).toMatch(
      /^eat: event behind of key k1 .* is parked behind offset 0 of its key, whose attempt 2 of 2 is due at \S+Z \(cannot digest bad\)$/,
    )
  })

  it('that is done says so', async () => {
    expect((await about('good', 'eat', 'done')).sentence).toBe(
      'eat: event good of key k2 (eat/0, offset 2) is done: the trigger is through with eat/0 up to offset 3',
    )
  })

  it('that a filter keeps out says which condition', async () => {
    expect((await about('good', 'picky', 'filtered')).sentence).toContain(
      'its filter does not let it through (type: "com.example.*" does not hold, its type is test)',
    )
  })

  it('that is a dead letter says why, and how to see it', async () => {
    const { sentence, next, facts } = await about('dead', 'quick', 'dead-letter')
    expect(sentence).toMatch(/ is a dead letter since \S+Z: 1 failed attempt, the last with cannot digest dead$/)
    expect(next).toBe(`sluice dead-letters show quick ${facts.deadLetter}`)
  })

  it('that runs says since when, and those behind it wait for it or for its worker', async () => {
    expect((await about('first', 'hold', 'running')).sentence).toMatch(
      / is running in hold@latest since \S+Z: attempt 1 of \d+$/,
    )
    const behind = await about('second', 'hold', 'behind')
    expect(behind.sentence).toMatch(/ waits behind offset 0 of its key, which is running: attempt 1 of \d+$/)
    expect(behind.facts).toMatchObject({ ahead: 1, behind: { offset: 0, state: 'running' } })
    const other = await about('elsewhere', 'hold', 'no-worker')
    expect(other.sentence).toContain(' waits for a worker: the worker of hold@latest is busy, 1 event ready')
  })

  it('whose function scales from zero only with more events says what the controller waits for', async () => {
    const { sentence, facts } = await about('other', 'lazy', 'no-worker')
    expect(facts.workers).toBe(0)
    expect(sentence).toMatch(/ waits for a permit: lazy@latest may have no worker now \(.+\)$/)
  })

  it('of a paused trigger says who paused it and why, and of a disabled one how to enable it', async () => {
    const held = await about('other', 'held', 'paused')
    expect(held.sentence).toMatch(/ waits because held was paused by ada at \S+Z: a database is moved$/)
    expect(held.next).toBe('sluice resume held')
    const off = await about('other', 'off', 'disabled')
    expect(off.sentence).toMatch(/ waits because the trigger is disabled$/)
    expect(off.next).toBe('sluice triggers update off --enabled')
  })

  it('of a paused key or version says so, and how to go on', async () => {
    await gateway.cli('pause', 'version', 'quick@latest', '--reason', 'a bug', '--by', 'ada')
    await send('quick', 'stopped', 'k5')
    const stopped = await about('stopped', 'quick', 'paused')
    expect(stopped.sentence).toMatch(/ waits because quick@latest was paused by ada at \S+Z: a bug$/)
    expect(stopped.next).toBe('sluice resume version quick@latest')
    await gateway.cli('resume', 'version', 'quick@latest')
    await gateway.cli('pause', 'key', 'quick', 'k5', '--reason', 'a broken device', '--for', '1h', '--by', 'ada')
    await send('quick', 'later', 'k5')
    const later = await about('later', 'quick', 'paused')
    expect(later.sentence).toMatch(/ waits because key k5 was paused by ada at \S+Z, until \S+Z: a broken device$/)
    expect(later.next).toBe('sluice resume key quick k5')
  })

  it('whose version is gone says which one it waits for', async () => {
    const module = 'export default () => undefined'
    const put = async (method: string, path: string, body?: object): Promise<void> =>
      expect((await requestJson(gateway.url, method, path, body)).status).toBeLessThan(300)
    await put('PUT', '/v1/functions/gone', { definition: {}, code: { module }, publish: {} })
    await put('PUT', '/v1/functions/gone/aliases/live', { weights: [{ version: 1, weight: 100 }] })
    await put('PUT', '/v1/triggers/lost', { stream: 'quick', function: 'gone@live', start: 'latest' })
    await put('DELETE', '/v1/functions/gone/aliases/live?force=true')
    await send('quick', 'nowhere', 'k9')
    const { sentence, next } = await about('nowhere', 'lost', 'no-version')
    expect(sentence).toMatch(/ waits for a version that can run it: function gone has no alias live$/)
    expect(next).toContain('deploy gone@live')
    // The trigger began behind what was there.
    await about('dead', 'lost', 'before-start')
  })

  it('that is redriven says by which redrive, and what it waits for', async () => {
    await gateway.cli('pause', 'quick', '--reason', 'a check', '--by', 'ada')
    const { body } = await requestJson<{ id: number }>(gateway.url, 'POST', '/v1/triggers/quick/redrives', {
      all: true,
    })
    const { sentence, facts, next } = await about('dead', 'quick', 'paused')
    expect(facts.redrive).toBe(body.id)
    expect(sentence).toMatch(/ which redrive 1 runs again, waits because quick was paused by ada at \S+Z: a check$/)
    expect(next).toBe('sluice resume quick')
    await gateway.cli('resume', 'quick')
    await about('dead', 'quick', 'dead-letter')
  })

  it('survives a restart', async () => {
    await about('behind', 'eat', 'parked')
    await gateway.until('committed', async () => (await gateway.trigger('eat')).partitions[0]?.committed === 3)
    await gateway.kill()
    await gateway.restart()
    await about('behind', 'eat', 'parked')
    await about('good', 'eat', 'done')
    await about('dead', 'quick', 'dead-letter')
    await about('second', 'hold', 'behind')
  })

  it('that nothing keeps but the log is looked for there', async () => {
    expect((await why('event=good&stream=eat')).searched).toEqual({ streams: ['eat'], events: 3, complete: true })
    expect((await why('event=bad&stream=eat')).searched).toBeNull()
  })

  it('that is not there says what was looked through', async () => {
    const { status, body } = await requestJson<{ code: string; detail: string }>(
      gateway.url,
      'GET',
      '/v1/why?event=nobody',
    )
    expect([status, body.code]).toEqual([404, 'SLUICE_API_NOT_FOUND'])
    expect(body.detail).toMatch(
      /^no event with the id nobody waits, is parked or is a dead letter, and all \d+ events that \d+ streams keep/,
    )
    const narrow = await requestJson<{ detail: string }>(gateway.url, 'GET', '/v1/why?event=nobody&stream=eat&search=0')
    expect(narrow.body.detail).toContain(
      'the newest 0 events of stream eat were looked through; look through more (search)',
    )
  })
})

describe('sluice why, of a source', () => {
  it('that is paused says by whom and why, also where it is the reason that nothing comes', async () => {
    expect((await why('source=quick')).sources).toMatchObject([{ source: 'quick', stream: 'quick', verdict: 'taking' }])
    await gateway.cli('pause', 'source', 'quick', '--reason', 'flood', '--by', 'ada', '--for', '1h')
    const text =
      /^● source quick was paused by ada at \S+Z, (now|.* ago), until \S+Z, in .*: flood; senders are answered 503/
    expect(await gateway.cli('why', 'source:quick')).toMatch(text)
    expect(await gateway.cli('why', 'quick')).toMatch(new RegExp(text.source.slice(1), 'm'))
    expect((await why('trigger=eat')).sources).toEqual([])
    expect((await gateway.post('/quick', { id: 'refused', key: 'k', seq: 0 })).status).toBe(503)
    const gone = await requestJson<{ detail: string }>(gateway.url, 'GET', '/v1/why?event=refused&stream=quick')
    expect(gone.body.detail).toMatch(
      / It was never accepted, or it is gone\. source quick was paused by ada at .*: flood/,
    )
    await gateway.cli('resume', 'source', 'quick')
    expect((await why('source=quick')).sources).toMatchObject([{ verdict: 'taking', next: null }])
  })

  it('that is not there is refused with a guess', async () => {
    const refused = await requestJson<{ detail: string }>(gateway.url, 'GET', '/v1/why?source=quik')
    expect(refused).toMatchObject({ status: 404, body: { detail: "there is no source quik; did you mean 'quick'?" } })
  })
})

describe('sluice why, of a place', () => {
  it('tells what stands there, and what every trigger of the stream makes of it', async () => {
    const { events, answers, searched } = await why('stream=eat&partition=0&offset=2')
    expect(events).toMatchObject([{ id: 'good', source: '/test', type: 'test', key: 'k2', offset: 2 }])
    expect(answers.map(({ trigger }) => trigger)).toEqual(['eat', 'picky'])
    expect(searched).toBeNull()
  })

  it('that has no event yet says which offset comes next', async () => {
    const { answers } = await why('stream=eat&partition=0&offset=77&trigger=eat')
    expect(answers[0]?.sentence).toBe(
      'eat: the event (eat/0, offset 77) is not there yet: the next event of eat/0 gets offset 3',
    )
  })

  it.each([
    ['stream=eet&partition=0&offset=0', 404, "there is no stream eet; did you mean 'eat'?"],
    ['stream=eat&partition=5&offset=0', 404, 'stream eat has partitions 0 to 0, and none 5'],
    ['stream=eat&partition=0&offset=0&trigger=heldd', 404, "there is no trigger heldd; did you mean 'held'?"],
    ['stream=eat&partition=0', 400, 'stream, partition and offset together'],
    ['event=a&key=b', 400, 'one of event, key'],
    ['', 400, 'or trigger or source alone'],
  ])('that cannot be is refused: %s', async (query, status, detail) => {
    const refused = await requestJson<{ detail: string }>(gateway.url, 'GET', `/v1/why?${query}`)
    expect(refused).toMatchObject({ status, body: { detail: expect.stringContaining(detail) as string } })
  })
})

describe('sluice why, of a key or a trigger', () => {
  it('tells which events of the key wait, and for what the oldest waits', async () => {
    const { facts, sentence } = await answer('eat', 'key=k1', 'parked')
    expect(facts).toMatchObject({ waiting: 2, offsets: [0, 1] })
    expect(sentence).toMatch(
      /^eat: 2 events of key k1 wait \(offsets 0, 1\); the oldest, event bad of key k1 \(eat\/0, offset 0\), is parked: /,
    )
    expect((await answer('eat', 'key=k2&stream=eat&trigger=eat', 'nothing-waits')).sentence).toBe(
      'eat: key k2 has nothing that waits',
    )
  })

  it('tells what the oldest event of the trigger waits for', async () => {
    const { sentence, facts } = await answer('eat', 'trigger=eat', 'parked')
    expect(sentence).toMatch(
      /^eat: 2 events are to be done; the oldest, event bad of key k1 \(eat\/0, offset 0\), is parked: attempt 2 of 2 is due at /,
    )
    expect(facts.lag).toBe(2)
    expect((await answer('held', 'trigger=held', 'paused')).sentence).toMatch(
      /^held: its only event waits because held was paused by ada/,
    )
    expect((await answer('picky', 'trigger=picky', 'idle')).sentence).toBe(
      'picky: the trigger has nothing to do: every event of eat is complete',
    )
  })

  it('guesses on the command line what is asked about', async () => {
    expect(await gateway.cli('why', 'held')).toMatch(
      /^● held: its only event waits because held was paused by ada at .*Z, \d+.* ago: a database is moved\n {4}sluice resume held$/,
    )
    expect(await gateway.cli('why', 'eat/0/2', '--trigger', 'eat')).toMatch(
      /^● eat: event good of key k2 \(eat\/0, offset 2\) is done.*\n {2}event good, test from \/test, accepted /,
    )
    expect(await gateway.cli('why', 'key:k1', '--stream', 'eat')).toContain('2 events of key k1 wait')
    expect(await gateway.cli('why', 'dead', '--trigger', 'quick')).toContain('is a dead letter since')
    const { exit, stderr } = await gateway.run('why', 'heldd')
    expect(exit.code).toBe(1)
    expect(stderr).toContain("there is no trigger 'heldd'; did you mean 'held'?")
  })
})
