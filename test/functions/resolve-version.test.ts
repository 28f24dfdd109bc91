import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { resolveVersion, type StoredVersion } from '../../src/functions/resolve-version.ts'
import { readSecrets } from '../../src/functions/secret-values.ts'

const config = parseConfig(
  `
kafka: { brokers: [k:9092] }
secrets: { token: s3cr3t-value, key: other }
bindings:
  crm: { type: http, baseUrl: 'https://crm.example', bearer: token }
  out: { type: kafka }
functions:
  f: { file: f.js, secrets: { KEY: key }, bindings: { user: { use: crm, path: 'u/{event.data.user}' }, orders: { use: out, topic: o } } }
`,
  '/etc/sluice.yaml',
  { environment: {} },
)
const around = {
  secrets: readSecrets(config),
  bindings: config.bindings,
  kafka: config.kafka,
  modulePath: (hash: string) => `/artifacts/${hash}/index.mjs`,
}
const { file: _file, ...definition } = config.functions.get('f')!
const stored: StoredVersion = {
  version: 3,
  hash: 'v',
  code: { kind: 'artifact', hash: 'a', bytes: 1, files: [] },
  definition,
}

describe('resolveVersion', () => {
  it('fills in secrets, bindings with their credentials and the place of the code', () => {
    expect(resolveVersion('f', stored, around)).toMatchObject({
      name: 'f',
      version: '3',
      file: '/artifacts/a/index.mjs',
      selfContained: true,
      secrets: { KEY: 'other' },
      bindings: {
        user: { type: 'http', baseUrl: 'https://crm.example', token: 's3cr3t-value', path: 'u/{event.data.user}' },
        orders: { type: 'kafka', brokers: ['k:9092'], topic: 'o' },
      },
    })
  })

  it('lets a file of the user import what lies around it', () => {
    const code = { kind: 'file', path: '/home/f.js', hash: 'x', bytes: 1 } as const
    expect(resolveVersion('f', { ...stored, code }, around)).toMatchObject({ file: '/home/f.js', selfContained: false })
  })

  it('refuses what the gateway does not have any more, by name and without values', () => {
    expect(() => resolveVersion('f', stored, { ...around, secrets: new Map([['token', 'x']]) })).toThrow(
      "function f: secrets.KEY: there is no secret 'key'",
    )
  })
})
