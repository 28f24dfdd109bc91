import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'
import { cli, type CliOptions } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
let project: ProjectFolder
let file: string
const wanted = `name: shop
functions:
  price:
    file: price.ts
    publish: { description: by apply }
    aliases: { live: latest-published }
  tax: { file: tax.ts, timeoutMs: 5000 }
triggers:
  price-orders: { stream: orders, function: price@live, sinks: [priced] }
  tax-orders: { stream: orders, function: tax }
`
beforeEach(async () => {
  gateway = await startMemoryGateway()
  project = createProjectFolder()
  project.file('price.ts', 'export default () => 1')
  project.file('tax.ts', 'export default () => 2')
  file = project.file('shop.yaml', wanted)
})
afterEach(async () => {
  project.remove()
  await gateway.close()
})

const apply = (args: string[], options: CliOptions = {}) =>
  cli(['apply', '-f', file, ...args], { environment: { SLUICE_URL: gateway.url }, ...options })
const writes = () => gateway.writes.splice(0).map(({ line }) => line)
const change = (from: string, to: string) => project.file('shop.yaml', wanted.replace(from, to))

describe('sluice apply', () => {
  it('shows the plan, asks, and makes it so: functions, aliases, triggers', async () => {
    const { code, out, err } = await apply([], { answer: 'y' })
    expect([code, err]).toEqual([0, '\nApply these changes? [y/N] '])
    expect(out.replaceAll(/[0-9a-f]{12} {2}\d+ B/g, '<code>')).toBe(`+ function price
    code               <code>
    labels.managed-by  apply:shop
    version            1 is published
+ function tax
    code               <code>
    labels.managed-by  apply:shop
    timeoutMs          5000
+ alias price@live  1
+ trigger price-orders  orders → price@live
+ trigger tax-orders  orders → tax

5 to create, 0 to change, 0 to delete, 0 unchanged
created function price  published price@1
created function tax
created alias price@live  → 1
created trigger price-orders  orders → price@live
created trigger tax-orders  orders → tax
5 changes applied
`)
    expect(writes()).toEqual([
      'PUT /v1/functions/price',
      'PUT /v1/functions/tax',
      'PUT /v1/functions/price/aliases/live',
      'PUT /v1/triggers/price-orders',
      'PUT /v1/triggers/tax-orders',
    ])
    expect(gateway.state.functions.get('price')?.versions.get(1)?.description).toBe('by apply')
  })

  it('changes nothing when it is applied again, and exits with 0', async () => {
    await apply(['--yes'])
    writes()
    const { code, out } = await apply([])
    expect([code, writes()]).toEqual([0, []])
    expect(out).toContain('0 to create, 0 to change, 0 to delete, 5 unchanged\n')
  })

  it('shows what changes, old and new, and changes only that', async () => {
    await apply(['--yes'])
    writes()
    project.file('price.ts', 'export default () => 100')
    change('5000', '6000')
    const { out } = await apply(['--yes'])
    expect(out).toMatch(
      /~ function price\n {4}code {5}[0-9a-f]{12} → [0-9a-f]{12} {2}\(.*\)\n {4}version {2}2 is published\n/,
    )
    expect(out).toContain(
      '~ function tax\n    timeoutMs  5000 → 6000\n~ alias price@live  1 → 2\n= trigger price-orders\n',
    )
    expect(writes()).toEqual([
      'PUT /v1/functions/price',
      'PUT /v1/functions/tax',
      'PUT /v1/functions/price/aliases/live',
    ])
  })

  it('does nothing unless somebody says yes', async () => {
    expect(await apply([], { answer: '' })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/sluice: nothing was changed\n$/),
    })
    expect(await apply([])).toMatchObject({ code: 2, err: expect.stringContaining('nobody is here to ask: add --yes') })
    expect(writes()).toEqual([])
  })

  it('only shows the plan of a dry run, and exits with 4 if there is one', async () => {
    const { code, out } = await apply(['--dry-run', '--json'])
    expect([code, writes()]).toEqual([4, []])
    expect(JSON.parse(out)).toMatchObject({
      manifests: ['shop'],
      changes: [
        { kind: 'function', name: 'price', action: 'create', result: 'pending' },
        { kind: 'function', name: 'tax' },
        { kind: 'alias', name: 'price@live' },
        { kind: 'trigger', name: 'price-orders' },
        { kind: 'trigger', name: 'tax-orders' },
      ],
    })
    await apply(['--yes'])
    expect((await apply(['--dry-run'])).code).toBe(0)
  })

  it('deletes with --prune what it made and no file has, and nothing else', async () => {
    await apply(['--yes'])
    putFunction(gateway, 'by-hand')
    const sluice = (...args: string[]) => cli(args, { environment: { SLUICE_URL: gateway.url } })
    await sluice('triggers', 'create', 'by-hand', '--stream', 'orders', '--function', 'by-hand')
    await sluice('alias', 'tax', 'old', '--show')
    writes()
    project.file('shop.yaml', wanted.replace(/ {2}tax: .*\n/, '').replace(/ {2}tax-orders: .*\n/, ''))
    expect((await apply(['--dry-run'])).code).toBe(0)
    const { code, out } = await apply(['--prune', '--yes'])
    expect(code).toBe(0)
    expect(out).toContain(
      '- trigger tax-orders  (runs tax, and stands in no file)\n- function tax  (an earlier apply made it, and it stands in no file)\n',
    )
    expect(writes()).toEqual(['DELETE /v1/triggers/tax-orders', 'DELETE /v1/functions/tax?force=true'])
    expect([...gateway.state.functions.keys()].sort()).toEqual(['by-hand', 'price'])
    expect([...gateway.state.triggers.keys()].sort()).toEqual(['by-hand', 'price-orders'])
  })

  it('does not overwrite what somebody changes meanwhile, goes on with the rest, and exits with 1', async () => {
    await apply(['--yes'])
    change('5000', '6000')
    project.file('price.ts', 'export default () => 100')
    writes()
    gateway.onRequest = ({ line }) => {
      if (line === 'PUT /v1/functions/price') gateway.change({ kind: 'enable-function', name: 'price', enabled: false })
    }
    const { code, out, err } = await apply(['--yes', '--prune'])
    expect(code).toBe(1)
    expect(err).toMatch(
      /^failed function price: the gateway answered 412 .*\nskipped alias price@live: function price failed\n/,
    )
    expect(err).toMatch(/sluice: 1 change applied, 2 not; apply again once it is mended\n$/)
    expect(out).toContain('changed function tax\n')
    expect(gateway.state.functions.get('price')?.versions.size).toBe(1)
  })

  it('deletes nothing after a failure', async () => {
    await apply(['--yes'])
    project.file('shop.yaml', wanted.replace(/ {2}tax-orders: .*\n/, ''))
    project.file('price.ts', 'export default () => 100')
    gateway.onRequest = ({ body }) => {
      gateway.refusedModule = (body as { code?: { module: string } } | undefined)?.code?.module ?? gateway.refusedModule
    }
    const { code, out } = await apply(['--yes', '--prune', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(out)).toMatchObject({
      changes: [
        { name: 'price', result: 'failed', detail: expect.stringContaining('does not load') },
        { name: 'price@live', result: 'skipped' },
        { name: 'tax-orders', action: 'delete', result: 'skipped' },
      ],
    })
    expect(gateway.state.triggers.has('tax-orders')).toBe(true)
  })

  it('finds names that lead nowhere before anything is done, with their places', async () => {
    putFunction(gateway, 'there', { versions: 1 })
    project.file(
      'shop.yaml',
      `functions:
  price: { file: price.ts, aliases: { live: latest-published, old: 7 } }
triggers:
  a: { stream: order, function: price }
  b: { stream: orders, function: prize, sinks: [priced, nowhere] }
  c: { stream: orders, function: there@2 }
  d: { stream: orders, function: price@liv }
  e: { stream: orders, function: there@1 }
`,
    )
    const { code, err } = await apply(['--yes'])
    expect([code, writes()]).toEqual([2, []])
    expect(err.replaceAll(`${project.path}/`, '')).toBe(`sluice: 7 problems, nothing was changed:
shop.yaml:2:45: function price has no published version: add publish: true
shop.yaml:2:68: functions.price.aliases.old: there is no version 7
shop.yaml:4:16: triggers.a.stream: there is no stream 'order'; did you mean 'orders'?
shop.yaml:5:57: triggers.b.sinks: there is no sink 'nowhere'
shop.yaml:5:34: triggers.b.function: there is no function 'prize'; did you mean 'price'?
shop.yaml:6:34: triggers.c.function: function there has no version 2
shop.yaml:7:34: triggers.d.function: function price has no alias 'liv'
`)
  })

  it('refuses what others manage, and what needs another trigger', async () => {
    putFunction(gateway, 'tax', { by: 'config' })
    const sluice = (...args: string[]) => cli(args, { environment: { SLUICE_URL: gateway.url } })
    await sluice('triggers', 'create', 'price-orders', '--stream', 'telemetry', '--function', 'tax')
    writes()
    const { code, err } = await apply(['--yes'])
    expect([code, writes()]).toEqual([2, []])
    expect(err).toContain('function tax is managed by the configuration file of the gateway')
    expect(err).toContain('stream is "telemetry" and cannot be changed: `sluice triggers delete price-orders` first')
  })

  it('tells all that does not build, of all functions', async () => {
    project.file('price.ts', 'export default () => nope.')
    project.file('tax.ts', "import 'left-pad'\nexport default () => 1")
    const { code, err } = await apply(['--yes'])
    expect([code, writes()]).toEqual([2, []])
    expect(err).toMatch(/function price: 1 problem in .*price\.ts/)
    expect(err).toMatch(/function tax: 1 problem in .*tax\.ts/)
  })

  it('takes a folder', async () => {
    project.file('fn/other/sluice.yaml', 'functions: { other: { file: ../../tax.ts } }')
    project.file('fn/more.yml', 'functions: { more: { file: ../tax.ts } }')
    const folder = join(project.path, 'fn')
    const { code } = await cli(['apply', '-f', folder, '--yes'], { environment: { SLUICE_URL: gateway.url } })
    expect(code).toBe(0)
    expect(gateway.state.functions.get('other')?.latest.definition.labels).toEqual({ 'managed-by': 'apply:other' })
    expect(gateway.state.functions.get('more')?.latest.definition.labels).toEqual({ 'managed-by': 'apply:more' })
  })

  it('leaves a rollout alone that is on its way there', async () => {
    await apply(['--yes'])
    project.file('price.ts', 'export default () => 100')
    change('    aliases: { live: latest-published }\n', '')
    await apply(['--yes'])
    await cli(['rollout', 'price', 'live', '--to', '2', '--no-watch'], { environment: { SLUICE_URL: gateway.url } })
    writes()
    project.file('shop.yaml', wanted)
    const { code, out } = await apply(['--yes'])
    expect([code, writes()]).toEqual([0, []])
    expect(out).toContain('= alias price@live  1 90 %, 2 10 %  (a rollout to 2 is on its way)\n')
  })

  it.each([
    ['JSON without a decision', ['--json'], '--json cannot ask'],
    ['no file', ['-f', '/none.yaml'], 'there is no file or folder /none.yaml'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    expect(await apply(args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
  })
})
