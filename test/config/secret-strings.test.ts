import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { secretStrings } from '../../src/config/secret-strings.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-secrets-'))
})

afterEach(() => rmSync(directory, { recursive: true }))

it('are all that a configuration holds, and not the names by which functions ask for them', () => {
  writeFileSync(join(directory, 'f.mjs'), 'export default () => null')
  writeFileSync(
    join(directory, 'sluice.yaml'),
    `dataDir: ./data
api: { token: api-token-of-16-chars }
kafka: { brokers: ['k:9092'], sasl: { mechanism: plain, username: someone, password: kafka-password } }
mqtt: { users: [{ username: device, password: device-password }] }
secrets: { named: value-of-the-secret }
sources:
  hooks: { type: http, path: /hooks, verify: { scheme: github, secrets: [hook-secret-1, hook-secret-2] } }
  away: { type: mqtt, topics: ['a/+'], broker: { url: 'mqtt://b:1883', username: u, password: broker-password } }
bindings:
  crm: { type: http, baseUrl: 'https://crm.example', headers: { Authorization: 'Basic dXNlcjpwYXNz' }, bearer: named }
functions:
  f: { file: ./f.mjs, secrets: { KEY: named }, role: { secrets: [named] } }
triggers: { t: { stream: hooks, function: f } }
`,
  )
  const config = loadConfig(join(directory, 'sluice.yaml'), { environment: {} })
  expect(secretStrings(config).toSorted()).toEqual([
    'Basic dXNlcjpwYXNz',
    'api-token-of-16-chars',
    'broker-password',
    'device-password',
    'hook-secret-1',
    'hook-secret-2',
    'kafka-password',
  ])
})
