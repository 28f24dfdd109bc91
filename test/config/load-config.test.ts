import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig, parseConfig } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/config.ts'
import { SluiceError } from '../../src/errors/sluice-error.ts'

const parse = (text: string, environment: Record<string, string> = {}): Config =>
  parseConfig(text, '/etc/sluice/gateway.yaml', { environment })

/** The problems, without the name of the file. */
function problemsOf(text: string, environment: Record<string, string> = {}): string[] {
  try {
    parse(text, environment)
  } catch (error) {
    expect(error).toBeInstanceOf(SluiceError)
    expect((error as SluiceError).code).toBe('SLUICE_CONFIG_INVALID')
    return (error as SluiceError).message
      .split('\n')
      .slice(1)
      .map(line => line.replace('/etc/sluice/gateway.yaml:', ''))
  }
  throw new Error('the configuration was accepted')
}

const withAlert = (text: string): string => `functions: { alert: { file: alert.js } }\n${text}`

describe('an accepted configuration', () => {
  it('has all defaults when the file is empty', () => {
    const config = parse('')
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 8080 })
    expect(config.mqtt.port).toBe(1883)
    expect(config.shutdown.drainMs).toBe(10_000)
    expect(config.kafka.brokers).toEqual([])
    expect(config.streams.size).toBe(0)
  })

  it('resolves paths against the file, wherever the process was started', () => {
    const config = parse('dataDir: ../data\nfunctions: { a: { file: ./lib/a.js } }\nkafka: { ssl: { caFile: ca.pem } }')
    expect(config.dataDir).toBe('/etc/data')
    expect(config.functions.get('a')?.file).toBe('/etc/sluice/lib/a.js')
    expect(config.kafka.ssl).toEqual({ caFile: '/etc/sluice/ca.pem', rejectUnauthorized: true })
  })

  it('turns text from the environment into the number, boolean or list that its place asks for', () => {
    const text =
      'http: { port: "${PORT}" }\ntelemetry: { metrics: "${METRICS:-false}" }\nkafka: { brokers: "${KAFKA_BROKERS:-}" }'
    const config = parse(text, { PORT: '9001', KAFKA_BROKERS: 'a:9092, b:9092' })
    expect(config.http.port).toBe(9001)
    expect(config.telemetry.metrics).toBe(false)
    expect(config.kafka.brokers).toEqual(['a:9092', 'b:9092'])
  })

  it('takes an optional field with an empty substitution as absent', () => {
    expect(parse('api: { token: "${SLUICE_TOKEN:-}" }').api.token).toBeUndefined()
  })

  it('never reads what the environment holds as YAML or as another substitution', () => {
    const config = parse('functions: { a: { file: a.js, environment: { KEY: "${KEY}" } } }', { KEY: 'x: [1, ${OTHER}' })
    expect(config.functions.get('a')?.environment.KEY).toBe('x: [1, ${OTHER}')
  })

  it('gives every source without a stream a home stream of its own name', () => {
    const config = parse('sources: { hooks: { type: http, path: /hooks } }')
    expect(config.sources.get('hooks')?.stream).toBe('hooks')
    expect(config.streams.get('hooks')).toEqual({
      kind: 'home',
      partitions: 16,
      retentionMs: 604_800_000,
      maxBytes: 1_073_741_824,
      deduplication: { windowMs: 600_000, maxIds: 1_000_000 },
    })
  })

  it('switches Kafka parts and what needs them off when there are no brokers, and says why', () => {
    const text = withAlert(
      [
        'sources: { orders: { type: kafka, topic: orders }, web: { type: http, path: /w } }',
        'sinks: { out: { type: kafka, topic: out } }',
        'triggers: { a: { stream: orders, function: alert }, b: { stream: web, function: alert, sinks: [out] } }',
      ].join('\n'),
    )
    const off = parse(text)
    expect([...off.sources.keys()]).toEqual(['web'])
    expect(off.triggers.size).toBe(2)
    expect(off.disabled.map(part => `${part.kind} ${part.name}: ${part.reason}`)).toEqual([
      'source orders: kafka.brokers is empty: set KAFKA_BROKERS',
      'sink out: kafka.brokers is empty: set KAFKA_BROKERS',
      "trigger a: its stream 'orders' is off",
      "trigger b: its sink 'out' is off",
    ])
    const on = parse(`kafka: { brokers: [a:9092] }\n${text}`)
    expect(on.disabled).toEqual([])
    expect(on.streams.get('orders')).toEqual({ kind: 'kafka', source: 'orders', topic: 'orders' })
    expect([...on.triggers.keys()]).toEqual(['a', 'b'])
  })

  it('warns of a trigger whose results become its own input', () => {
    const config = parse(
      withAlert(
        [
          'kafka: { brokers: a:9092 }',
          'sources: { orders: { type: kafka, topic: orders } }',
          'sinks: { back: { type: kafka, topic: orders } }',
          'triggers: { a: { stream: orders, function: alert, sinks: [back] } }',
        ].join('\n'),
      ),
    )
    expect(config.warnings).toEqual([
      '/etc/sluice/gateway.yaml:5:59: triggers.a.sinks[0]: writes to the topic orders that the trigger reads: results become its input',
    ])
  })

  it('keeps names such as __proto__ and constructor as data', () => {
    const config = parse('functions: { constructor: { file: a.js, environment: { constructor: y } } }')
    const environment = config.functions.get('constructor')?.environment
    expect(Object.entries(environment ?? {})).toEqual([['constructor', 'y']])
    expect(problemsOf('functions: { f: { file: a.js, environment: { __proto__: x } } }')[0]).toContain(
      'the name must match',
    )
    expect(problemsOf('sources: { __proto__: { type: http, path: /x } }')[0]).toContain('the name must match')
    expect(problemsOf('triggers: { t: { stream: a, function: constructor } }').join()).toContain(
      "no function 'constructor'",
    )
  })

  it('lets flags win over the file', () => {
    const config = parseConfig('http: { port: 1 }', '/etc/x.yaml', { overrides: { port: 2, dataDir: '/var/x' } })
    expect([config.http.port, config.dataDir]).toEqual([2, '/var/x'])
  })
})

describe('a schedule source', () => {
  it('feeds a stream of its own name', () => {
    const config = parse(
      'sources: { nightly: { type: schedule, cron: "0 3 * * *", timezone: Europe/Berlin, data: { a: [1] } } }',
    )
    expect(config.sources.get('nightly')).toMatchObject({
      type: 'schedule',
      missed: 'last',
      data: { a: [1] },
      stream: 'nightly',
    })
    expect(config.streams.get('nightly')).toMatchObject({ kind: 'home' })
  })

  it('is refused with its place when no such tick or time zone exists', () => {
    expect(problemsOf('sources:\n  s: { type: schedule, cron: "0 0 31 2 *", timezone: Mars/Olympus }')).toEqual([
      expect.stringMatching(/^2:30: sources\.s\.cron: .*never comes/) as string,
      expect.stringMatching(/^2:54: sources\.s\.timezone: there is no time zone 'Mars\/Olympus'/) as string,
    ])
  })
})

describe('what functions refer to', () => {
  const secret = 'secrets: { crm-token: x, file-one: { file: token.txt } }'
  const binding = 'bindings: { crm: { type: http, baseUrl: https://crm.example, bearer: crm-token } }'

  it('is kept by name, with files beside the configuration', () => {
    const config = parse(
      `${secret}\n${binding}\nfunctions: { f: { file: f.js, secrets: { KEY: crm-token }, bindings: { user: { use: crm, path: 'u/{event.data.user}' } } } }`,
    )
    expect(config.secrets.get('crm-token')).toBe('x')
    expect(config.secrets.get('file-one')).toEqual({ file: expect.stringMatching(/^\/.*token\.txt$/) as string })
    expect(config.bindings.get('crm')).toMatchObject({ baseUrl: 'https://crm.example', timeoutMs: 10_000 })
    expect(config.functions.get('f')).toMatchObject({ secrets: { KEY: 'crm-token' }, runtime: 'nodejs', labels: {} })
  })

  it.each([
    ['secrets: { KEY: nope }', "functions.f.secrets.KEY: there is no secret 'nope'"],
    ['secrets: { KEY: crm-tokem }', "did you mean 'crm-token'?"],
    ['secrets: { KEY: crm-token }, role: { secrets: [] }', "role.secrets does not allow 'crm-token'"],
    ['limits: { burst: 5 }', 'is of no use without ratePerSecond'],
    ['bindings: { b: { use: nope } }', "functions.f.bindings.b.use: there is no binding 'nope'"],
    ['bindings: { b: { use: crm, topic: t } }', "bindings.b.topic: is for mqtt and kafka; 'crm' is http"],
    ['bindings: { b: { use: crm } }, role: { bindings: [] }', "role.bindings does not allow 'crm'"],
    ['scaling: { minWorkers: 3, maxWorkers: 2 }', 'scaling.minWorkers: 3 is above scaling.maxWorkers (2)'],
    ['network: { allow: ["http://x"] }', 'network.allow[0]'],
  ])('is refused when it does not hold: %s', (fields, message) => {
    expect(problemsOf(`${secret}\n${binding}\nfunctions: { f: { file: f.js, ${fields} } }`).join()).toContain(message)
  })

  it('may be a version or alias of a function that comes by the API, never one of the file', () => {
    const text =
      'sources: { web: { type: http, path: /w } }\nfunctions: { f: { file: f.js } }\ntriggers: { t: { stream: web, function: '
    expect(parse(`${text}price@live } }`).triggers.get('t')?.function).toBe('price@live')
    expect(problemsOf(`${text}f@3 } }`).join()).toContain("write 'f'")
    expect(problemsOf(`${text}price } }`).join()).toContain("'price@latest'")
  })

  it('needs secrets of bindings to be there', () => {
    expect(problemsOf('bindings: { b: { type: http, baseUrl: "http://x", bearer: nope } }').join()).toContain(
      "bindings.b.bearer: there is no secret 'nope'",
    )
  })
})

describe('a refused configuration', () => {
  it('is told all its problems at once, in the order of the file, each with line and column', () => {
    const problems = problemsOf(
      [
        'streems: {}',
        'http: { port: "8080" }',
        'sources:',
        '  web: { type: http, path: /v1/x, verify: { scheme: github, secret: [a] } }',
        '  other: { type: htp }',
        'functions:',
        '  alert: { file: a.js, timeoutMs: 5, environment: { KEY: "${NOT_SET}" } }',
        'triggers:',
        '  t: { stream: wep, function: alrt, sinks: [nope], ordering: kee }',
        '  u: { function: alert, stream: other }',
      ].join('\n'),
    )
    expect(problems).toEqual([
      "1:1: streems: there is no such field; did you mean 'streams'?",
      '2:15: http.port: must be an integer from 0 to 65535, not a text',
      '4:28: sources.web.path: /v1/x belongs to the gateway itself',
      "4:43: sources.web.verify: the field 'secrets' is missing: a list",
      "4:61: sources.web.verify.secret: there is no such field; did you mean 'secrets'?",
      '5:18: sources.other.type: must be one of http, mqtt, kafka, schedule',
      '7:35: functions.alert.timeoutMs: must be an integer from 10 to 3600000, not 5',
      '7:58: functions.alert.environment.KEY: the environment variable NOT_SET is not set; set it, or give a default: ${NOT_SET:-…}',
      "9:16: triggers.t.stream: there is no stream 'wep'; did you mean 'web'?",
      "9:31: triggers.t.function: there is no function 'alrt'; did you mean 'alert'?; a function that comes by the API is written with a version: 'alrt@latest'",
      "9:45: triggers.t.sinks[0]: there is no sink 'nope'",
      '9:62: triggers.t.ordering: must be one of key, partition, none',
    ])
  })

  const one: [string, string, RegExp][] = [
    ['YAML that does not parse', 'a: [1', /^1:\d+: this is not valid YAML: /],
    ['a substitution without quotes inside braces', 'http: { port: ${PORT:-1} }', /needs quotes$/],
    [
      'a name that stands twice',
      'mode: standalone\nmode: standalone',
      /^2:1: this is not valid YAML: Map keys must be unique/,
    ],
    ['a file that is a list', '- a', /^1:1: must be a map, not a list/],
    ['an alias that contains itself', 'streams: &a\n  x: *a', /contains itself/],
    ['a malformed substitution', 'dataDir: "${1x}"', /is neither \$\{NAME\} nor/],
    [
      'two sources on one path',
      'sources: { a: { type: http, path: /x }, b: { type: http, path: /x } }',
      /^1:\d+: sources.b.path: the source 'a' has the same path/,
    ],
    [
      'a topic that is read into a home stream',
      'streams: { s: {} }\nsources: { a: { type: kafka, topic: t, stream: s } }',
      /is a home stream/,
    ],
    [
      'a source that writes into a topic',
      'sources: { t: { type: kafka, topic: t }, a: { type: http, path: /x, stream: t } }',
      /is the topic of the Kafka source 't'/,
    ],
    [
      'a stream sink into a topic',
      'sources: { t: { type: kafka, topic: t } }\nsinks: { s: { type: stream, stream: t } }',
      /use a kafka sink/,
    ],
    [
      'a reply by an unknown function',
      'sources: { a: { type: http, path: /x, reply: { function: f } } }',
      /reply.function: there is no function 'f'/,
    ],
    [
      'a trigger on a source that replies',
      withAlert(
        'sources: { a: { type: http, path: /x, reply: { function: alert } } }\ntriggers: { t: { stream: a, function: alert } }',
      ),
      /replies and keeps nothing/,
    ],
    [
      'delayed retries of what is delivered at most once',
      withAlert(
        'sources: { a: { type: http, path: /x } }\ntriggers:\n  t:\n    stream: a\n    function: alert\n    delivery: at-most-once\n    retry:\n      mode: delayed',
      ),
      /^9:13: triggers\.t\.retry\.mode: with delivery: at-most-once nothing is tried again; leave it out$/,
    ],
    [
      'attempts of what is delivered at most once',
      withAlert(
        'sources: { a: { type: http, path: /x } }\ntriggers: { t: { stream: a, function: alert, delivery: at-most-once, retry: { maxAttempts: 2 } } }',
      ),
      /^3:\d+: triggers\.t\.retry\.maxAttempts: .* or write 1$/,
    ],
    [
      'a mapping that the protocol cannot fulfil',
      'sources: { a: { type: http, path: /x, mapping: { type: { topicLevel: 1 } } } }',
      /sources\.a\.mapping/,
    ],
    [
      'an open listener without authentication',
      'http: { host: 0.0.0.0 }',
      /^1:15: http.host: 0.0.0.0 is reachable by others/,
    ],
    ['an open broker without users', 'mqtt: { host: 0.0.0.0 }', /^1:15: mqtt.host: 0.0.0.0 is reachable by others/],
  ]
  it.each(one)('%s is named where it stands', (_what, text, expected) => {
    const problems = problemsOf(text)
    expect(
      problems.some(problem => expected.test(problem)),
      problems.join('\n'),
    ).toBe(true)
  })

  it('does not repeat values, which may be secrets', () => {
    const text = 'api: { token: hunter2 }\nkafka: { sasl: { mechanism: swordfish, username: u, password: 12 } }'
    expect(problemsOf(text).join('\n')).not.toMatch(/hunter2|swordfish/)
  })

  it('is not taken for more than it is by aliases of aliases', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 0; i < 8; i++) {
      const before = String.fromCharCode(97 + i)
      const name = String.fromCharCode(98 + i)
      bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`)
    }
    expect(problemsOf(bomb.join('\n')).join()).toContain('more than 100000 values')
  })
})

describe('loadConfig', () => {
  let dir: string
  beforeAll(() => void (dir = mkdtempSync(join(tmpdir(), 'sluice-config-'))))
  afterAll(() => rmSync(dir, { recursive: true }))

  it('names a file that cannot be read', () => {
    expect(() => loadConfig(join(dir, 'none.yaml'))).toThrow(/none\.yaml: the configuration cannot be read .*--config/)
  })

  it('reads a file and tells places in it', () => {
    const file = join(dir, 'a.yaml')
    writeFileSync(file, 'functions:\n  f: { file: f.js }\n')
    const config = loadConfig(file)
    expect(config.functions.get('f')?.file).toBe(join(dir, 'f.js'))
    expect(config.place('functions', 'f', 'file')).toBe(`${file}:2:14`)
    expect(config.place('functions', 'f', 'timeoutMs')).toBe(`${file}:2:3`)
  })

  it('accepts the configuration that is shipped, with and without Kafka', () => {
    expect(loadConfig('config/standalone.yaml', { environment: {} }).disabled).toHaveLength(3)
    const config = loadConfig('config/standalone.yaml', { environment: { KAFKA_BROKERS: 'localhost:9092' } })
    expect(config.triggers.size).toBe(3)
    expect(config.warnings).toEqual([])
  })
})
