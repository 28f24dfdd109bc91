/** What the kinds of projects differ in. */
export interface Template {
  readonly summary: string
  readonly handler: string
  readonly test: string
  /** CloudEvent of event.json. */
  readonly event: object
  /** Lines of the manifest below the function. */
  readonly manifest: (name: string) => string
  /** How events get to it, in the README. */
  readonly wiring: (name: string) => string
}

const streamTemplate: Template = {
  summary: 'runs for each event of a stream',
  handler: `import type { Handler } from 'sluice-gateway'

interface Reading {
  readonly device: string
  readonly temperature: number
}

/** Degrees Celsius, unless the definition says otherwise. */
const defaultLimit = 80

/** Raises an alert when a device is too hot; nothing returned, nothing sent. */
const handler: Handler<Reading> = (event, context) => {
  const { device, temperature } = event.data
  if (typeof temperature !== 'number') throw new TypeError(\`\${event.id} has no temperature\`)
  const limit = Number(context.env.TEMPERATURE_LIMIT ?? defaultLimit)
  if (temperature <= limit) return undefined

  context.logger.warn('too hot', { device, temperature, limit })
  return { type: 'com.example.alert', subject: device, data: { device, temperature, limit } }
}

export default handler
`,
  test: `test('a hot device raises an alert', async () => {
  const result = await handler(event, context())
  assert.deepEqual(result, {
    type: 'com.example.alert',
    subject: 'boiler-7',
    data: { device: 'boiler-7', temperature: 93.5, limit: 80 },
  })
})

test('a cool device raises none', async () => {
  assert.equal(await handler({ ...event, data: { device: 'boiler-7', temperature: 20 } }, context()), undefined)
})

test('the limit comes from the environment', async () => {
  assert.equal(await handler(event, context({ TEMPERATURE_LIMIT: '100' })), undefined)
})
`,
  event: {
    type: 'com.example.telemetry',
    subject: 'boiler-7',
    data: { device: 'boiler-7', temperature: 93.5 },
  },
  manifest: name => `    environment: { TEMPERATURE_LIMIT: '80' }

# What runs it: a stream of the gateway (sluice streams), and where its results go (sluice sinks).
# triggers:
#   ${name}:
#     stream: telemetry
#     filter: { type: com.example.telemetry }
#     function: ${name}@live
#     sinks: [alerts]
`,
  wiring:
    name => `Events come from a stream. Fill in the trigger in sluice.yaml and run \`sluice apply -f sluice.yaml\`, or:

    sluice triggers create ${name} --stream telemetry --function ${name} --sink alerts --start latest
`,
}

const httpTemplate: Template = {
  summary: 'answers HTTP requests',
  handler: `import type { Handler } from 'sluice-gateway'

interface Order {
  readonly sku: string
  readonly quantity?: number
}

interface Reply {
  readonly status: number
  readonly body: object
}

const priceCents = new Map([
  ['A-100', 12900],
  ['B-010', 490],
])

/** Answers with the price of an order. */
const handler: Handler<Order, Reply> = (event, context) => {
  const { sku, quantity = 1 } = event.data
  const each = priceCents.get(sku)
  if (each === undefined) {
    context.logger.info('unknown product', { sku })
    return { status: 404, body: { error: \`there is no product \${sku}\` } }
  }
  return { status: 200, body: { sku, quantity, totalCents: each * quantity } }
}

export default handler
`,
  test: `test('a known product has a price', async () => {
  const reply = await handler(event, context())
  assert.deepEqual(reply, { status: 200, body: { sku: 'A-100', quantity: 3, totalCents: 38700 } })
})

test('an unknown product is not found', async () => {
  const reply = await handler({ ...event, data: { sku: 'nope' } }, context())
  assert.equal(reply.status, 404)
})
`,
  event: { type: 'com.example.order', data: { sku: 'A-100', quantity: 3 } },
  manifest: () => `    timeoutMs: 5000
`,
  wiring: name => `Requests come from an HTTP source of the gateway's configuration:

    sources:
      ${name}:
        type: http
        path: /${name}
        reply: { function: ${name}@live, timeoutMs: 5000 }

Then \`curl localhost:8080/${name} -H content-type:application/json -d '{"sku":"A-100","quantity":3}'\`.
`,
}

const scheduleTemplate: Template = {
  summary: 'runs by the clock',
  handler: `import type { Handler } from 'sluice-gateway'

interface Tick {
  readonly report?: string
}

/** Makes a report. Every tick is an event: it is repeated when it fails, and its id is the same each time. */
const handler: Handler<Tick | undefined> = (event, context) => {
  const report = event.data?.report ?? 'daily'
  context.logger.info('report', { report, tick: event.time })
  return { type: 'com.example.report', subject: report, data: { report, at: event.time } }
}

export default handler
`,
  test: `test('a tick makes a report', async () => {
  const result = await handler(event, context())
  assert.deepEqual(result, {
    type: 'com.example.report',
    subject: 'daily',
    data: { report: 'daily', at: '2026-03-01T03:00:00Z' },
  })
})
`,
  event: { type: 'sluice.schedule.tick', time: '2026-03-01T03:00:00Z', data: { report: 'daily' } },
  manifest: name => `
# What runs it: the stream of a schedule source (sluice sources).
# triggers:
#   ${name}: { stream: nightly, function: ${name}@live, sinks: [reports] }
`,
  wiring: name => `Ticks come from a schedule source of the gateway's configuration; it feeds a stream of its name:

    sources:
      nightly: { type: schedule, cron: '0 3 * * *', timezone: Europe/Berlin, data: { report: daily } }

Then \`sluice triggers create ${name} --stream nightly --function ${name}\`.
`,
}

export const templates = { stream: streamTemplate, http: httpTemplate, schedule: scheduleTemplate } as const

export type TemplateName = keyof typeof templates
