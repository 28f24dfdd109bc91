import { afterEach, beforeEach, expect, it } from 'vitest'
import type { RedrivePlanView, RedriveView } from '../../src/api/views/redrive-view.ts'
import type { DeadLetterView } from '../../src/api/views/dead-letter-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { SentLedger, type Ledger } from './ledger.ts'
import { requestJson } from './request-json.ts'
import { prepareWebhookGateway } from './webhook-gateway.ts'
import { sendWebhooks } from './webhook-sender.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(() => ({})))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function done<View>(method: string, path: string, body?: unknown): Promise<View> {
  const answer = await requestJson<View>(gateway.url, method, path, body)
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}

const redrives = '/v1/triggers/records/redrives'
const redrive = (id: number) => gateway.get<RedriveView>(`${redrives}/${id}`)

/** Publishes a version that writes `<id> <key> <seq> <attempt> <version>`, and fails where `fails` says so. */
async function publish(fails: string): Promise<void> {
  const module = `import { openSync, writeSync } from 'node:fs'
    let ledger
    export const init = ({ env }) => { ledger = openSync(env.LEDGER, 'a') }
    export default (event, context) => {
      const { id, key, seq } = event.data
      if (${fails}) throw new Error('this version is bad')
      writeSync(ledger, [id, key, seq, context.attempt, context.version].join(' ') + '\\n')
    }`
  const retry = { maxAttempts: 1 }
  const definition = { environment: { LEDGER: ledger.file }, retry }
  await done('PUT', '/v1/functions/record', { definition, code: { module }, publish: {} })
}

/** As many events as there shall be, all of them dead letters of `record@1`; `record@2` takes all but some. */
async function deadLetters(events: number): Promise<SentLedger> {
  await publish('true')
  await publish('seq === 7 && key === "k1"')
  await done('PUT', '/v1/triggers/records', { stream: 'hooks', function: 'record@1' })
  const sent = new SentLedger()
  await sendWebhooks({ url: gateway.url, path: '/hooks', connections: 8, keys: 20, events, ledger: sent })
  await gateway.until('dead letters', async () => (await gateway.trigger('records')).deadLetters === events)
  return sent
}

it('a redrive loses nothing in a SIGKILL, and what fails again is a letter again with its whole history', async () => {
  const sent = await deadLetters(600)
  const plan = await done<RedrivePlanView>('POST', redrives, { all: true, dryRun: true })
  expect(plan).toMatchObject({ matching: 600, total: 600 })
  const { id } = await done<RedriveView>('POST', redrives, { all: true, version: '2', ratePerSecond: 150 })
  for (const share of [0.2, 0.6]) {
    await gateway.until('under way', async () => (await redrive(id)).succeeded > share * 600)
    await gateway.kill()
    await gateway.restart()
  }
  const ended = await gateway.until('the end', async () => {
    const view = await redrive(id)
    return view.state === 'done' && view
  })
  expect(ended).toMatchObject({ total: 600, redriven: 600, succeeded: 599, failed: 1, inFlight: 0, version: '2' })
  const [letter, ...others] = await gateway.deadLetters('records')
  expect(others).toEqual([])
  expect(letter).toMatchObject({ function: 'record@2', redrives: 1, attempts: 2, failures: [{}, { redrive: 1 }] })
  await gateway.stop()
  await ledger.read()
  const ids = ledger.entries.map(entry => entry.id)
  const bad = JSON.parse(Buffer.from(letter?.dataBase64 ?? '', 'base64').toString()) as { id: string }
  expect([...new Set(ids)].toSorted()).toEqual([...sent.acknowledged].filter(one => one !== bad.id).toSorted())
  // What was in flight when it was killed may have run already: of each kill at most what is in memory of a redrive.
  expect(ids.length - new Set(ids).size).toBeLessThanOrEqual(2 * 256)
})

it('letters are filtered, exported whole, deleted and redriven from the command line', async () => {
  const sent = await deadLetters(60)
  const body = { id: 'odd', key: 'k99', seq: 0, text: 'ünï ☃' }
  expect((await gateway.post('/hooks', body)).status).toBe(202)
  await gateway.until('one more', async () => (await gateway.trigger('records')).deadLetters === 61)

  const file = gateway.path('letters.ndjson')
  expect(await gateway.cli('dead-letters', 'export', 'records', '--key', 'k99', '-o', file)).toContain(
    '1 dead letter in',
  )
  const listed = await gateway.cli('dead-letters', 'list', 'records', '--key', 'k99', '--reason', 'error')
  const id = /^(\d+) .*this version is bad$/m.exec(listed)?.[1] ?? ''
  expect(await gateway.cli('dead-letters', 'show', 'records', id)).toContain('ünï ☃')
  const letter = await gateway.get<DeadLetterView>(`/v1/triggers/records/dead-letters/${id}`)
  expect(Buffer.from(letter.dataBase64 ?? '', 'base64').toString()).toBe(JSON.stringify(body))
  expect(await gateway.cli('dead-letters', 'delete', 'records', id)).toContain('Deleted 1 dead letter')
  expect((await gateway.trigger('records')).deadLetters).toBe(60)

  const nowhere = await gateway.run('dead-letters', 'redrive', 'records', '--all', '--yes', '--to', '9')
  expect(nowhere).toMatchObject({ exit: { code: 1 } })
  expect(nowhere.stderr).toContain('function record has no version 9')
  const source = await gateway.run('dead-letters', 'redrive', 'source:hooks', '--all', '--yes')
  expect(source.stderr).toContain('never became events')

  await done('PUT', '/v1/triggers/records', { stream: 'hooks', function: 'record@2' })
  const args = ['dead-letters', 'redrive', 'records', '--ran-by', '1', '--text', 'IS BAD', '--yes']
  const { exit, stdout } = await gateway.run(...args)
  const failed = [...sent.acknowledged].length - 60 + (await gateway.deadLetters('records')).length
  expect(stdout).toMatch(new RegExp(`redrive 1 of records: done, ${60 - failed} succeeded, ${failed} failed again`))
  expect(exit.code).toBe(failed === 0 ? 0 : 1)
})

it('a letter that keeps failing is left out after three redrives, unless it is named or forced', async () => {
  await deadLetters(1)
  for (let round = 1; round <= 3; round++) {
    const { id } = await done<RedriveView>('POST', redrives, { all: true })
    await gateway.until('the end', async () => (await redrive(id)).state === 'done')
  }
  const plan = await done<RedrivePlanView>('POST', redrives, { all: true, dryRun: true })
  expect(plan).toMatchObject({ matching: 1, total: 0, skipped: { redrivenTooOften: 1 } })
  expect(await done('POST', redrives, { all: true, force: true, dryRun: true })).toMatchObject({ total: 1 })
  const [letter] = await gateway.deadLetters('records')
  const { id } = await done<RedriveView>('POST', redrives, { ids: [letter?.id], version: '2' })
  await gateway.until('the end', async () => (await redrive(id)).succeeded === 1)
  expect((await gateway.trigger('records')).deadLetters).toBe(0)
})
