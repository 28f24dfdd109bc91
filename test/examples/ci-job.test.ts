import { readFileSync } from 'node:fs'
import { sign } from '@octokit/webhooks-methods'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { problemsOf } from '../../examples/ci-job/rules.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'
import { HttpService } from './http-service.ts'
import { MqttInbox } from './mqtt-inbox.ts'

const secret = 'a secret of the test'
const push = JSON.parse(readFileSync(exampleFile('ci-job', 'push.json'), 'utf8')) as Record<string, unknown>

describe('the CI job example', () => {
  let github: HttpService
  let gateway: ExampleGateway
  let verdicts: MqttInbox
  /** Contents of config/gates.json, or the status that is answered instead. */
  let gates: unknown = {}
  let isAway = true

  beforeAll(async () => {
    github = await HttpService.open(({ path }) => {
      if (path.includes('/contents/'))
        return typeof gates === 'number' ? { status: gates } : { status: 200, body: gates }
      // The first request is refused: the job is run again.
      return isAway ? ((isAway = false), { status: 503 }) : { status: 201 }
    })
    const env = { GITHUB_API: github.url, GITHUB_TOKEN: 'token-of-the-test', WEBHOOK_SECRET: secret }
    gateway = await startExample('ci-job', env)
    verdicts = await MqttInbox.open(gateway.mqttUrl, 'ci/#')
  })
  afterAll(async () => {
    await verdicts.close()
    await gateway.stop()
    await gateway.dispose()
    await github.close()
  })

  const deliver = async (delivery: string, body: Record<string, unknown>, event = 'push') => {
    const text = JSON.stringify(body)
    const headers = { 'x-hub-signature-256': await sign(secret, text), 'x-github-delivery': delivery }
    return gateway.post('/hooks/github', text, { ...headers, 'x-github-event': event })
  }
  /** Status, commit and description of each status that was set. */
  const statuses = () =>
    github.requests
      .filter(({ method }) => method === 'POST')
      .map(({ path, body }) => {
        const { state, description } = JSON.parse(body) as { state: string; description: string }
        return [path.replace('/repos/lockkeeper/harbour/statuses/', '').slice(0, 7), state, description]
      })

  it('checks the commits of a push and sets their status, with the token of the gateway', async () => {
    expect((await deliver('1', push)).status).toBe(202)
    await verdicts.waitFor(1)
    expect(statuses()).toEqual([
      ['f95f852', 'pending', 'checking'],
      ['f95f852', 'pending', 'checking'],
      ['f95f852', 'failure', 'f95f852: it was to be squashed, and 1 more'],
    ])
    expect(new Set(github.requests.map(({ headers }) => headers.authorization))).toEqual(
      new Set(['Bearer token-of-the-test']),
    )
    expect(verdicts.values()).toEqual([
      {
        topic: 'ci/f95f852bd8fca8fcc58a9a2d6c842781e32a215e',
        value: {
          ref: 'refs/heads/main',
          state: 'failure',
          problems: ['f95f852: it was to be squashed', 'f95f852: it brings what looks like a secret: keys/deploy.pem'],
        },
      },
    ])
  })

  it('parses the JSON files that a push changes, as they are in its newest commit', async () => {
    const commit = { message: 'Fine', added: ['a b/ä#.json'], modified: [], removed: [] }
    const pushOf = (id: string) => ({ ...push, after: id, commits: [{ id, ...commit }] })
    gates = { open: true }
    await deliver('2', pushOf('aaaaaaa'))
    await verdicts.waitFor(2)
    expect(github.requests.find(({ path }) => path.endsWith('ref=aaaaaaa'))?.path).toBe(
      '/repos/lockkeeper/harbour/contents/a%20b/%C3%A4%23.json?ref=aaaaaaa',
    )
    gates = 404
    await deliver('3', pushOf('bbbbbbb'))
    await verdicts.waitFor(3)
    // An empty file.
    gates = Symbol('no JSON')
    await deliver('4', pushOf('ccccccc'))
    await verdicts.waitFor(4)
    expect(verdicts.values().map(({ value }) => (value as { state: string }).state)).toEqual([
      'failure',
      'success',
      'success',
      'failure',
    ])
    expect(statuses().at(-1)?.[2]).toMatch(/^a b\/ä#\.json: .*JSON/)
  })

  it('runs nothing for a delivery that comes again, for other events and for deleted branches', async () => {
    const before = github.requests.length
    expect((await deliver('1', push)).status).toBe(200)
    expect((await deliver('5', { zen: 'Design for failure.' }, 'ping')).status).toBe(202)
    expect((await deliver('6', { ...push, deleted: true, commits: [] })).status).toBe(202)
    await gateway.until('all passed over', async () => (await gateway.trigger('ci-job')).lag === 0)
    expect(github.requests).toHaveLength(before)
    expect((await gateway.post('/hooks/github', push)).status).toBe(401)
  })

  it.each([
    [{ message: 'x'.repeat(73) }, 'its subject is longer than 72 characters'],
    [{ message: 'One\nTwo' }, 'the second line of its message is not empty'],
    [{ message: 'fixup! One' }, 'it was to be squashed'],
    [{ modified: ['deploy/.env'] }, 'it brings what looks like a secret: deploy/.env'],
    [{ added: ['src/a.ts.orig'] }, 'it brings a leftover: src/a.ts.orig'],
  ])('finds what is wrong with %j', (commit, problem) => {
    const fine = { id: '0123456789', message: 'Fine\n\nVery.', added: ['a.ts'], modified: [], removed: ['.env'] }
    expect(problemsOf([fine, { ...fine, ...commit }])).toEqual([`0123456: ${problem}`])
  })
})
