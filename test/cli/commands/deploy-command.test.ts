import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'
import { cli } from '../test-io.ts'

let gateway: MemoryGateway
let project: ProjectFolder
let manifest: string
beforeAll(() => void (project = createProjectFolder()))
afterAll(() => project.remove())
beforeEach(async () => {
  gateway = await startMemoryGateway()
  project.file('index.ts', 'export default (event: object): object => event')
  manifest = project.file('sluice.yaml', 'functions:\n  price:\n    file: index.ts\n    timeoutMs: 5000\n')
})
afterEach(() => gateway.close())

const deploy = (...args: string[]) => cli(['deploy', ...args], { environment: { SLUICE_URL: gateway.url } })
const deployManifest = (...args: string[]) => deploy('--manifest', manifest, ...args)
const lines = () => gateway.writes.map(({ line }) => line)

describe('sluice deploy', () => {
  it('creates a function: says what it made, and sends module and source map', async () => {
    const { code, out, err } = await deployManifest()
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/Bundled .*index\.ts: 1 source, \d+ B \(\d+ B with its source map\)\n\+ function price\n/)
    expect(out).toMatch(/timeoutMs {2}5000\nCreated price\.\n\nTry it: {2}sluice invoke price --data '\{\}'\n/)
    expect(gateway.writes).toMatchObject([
      {
        line: 'PUT /v1/functions/price',
        ifNoneMatch: '*',
        body: { definition: { timeoutMs: 5000 }, code: { sourceMap: expect.stringContaining('"sourcesContent"') } },
      },
    ])
  })

  it('does nothing when nothing changed', async () => {
    await deployManifest()
    const { code, out } = await deployManifest()
    expect([code, lines()]).toEqual([0, ['PUT /v1/functions/price']])
    expect(out).toContain('= function price\nprice is as it shall be: nothing to do.\n')
  })

  it('shows field by field what changes, and sends code only if it did', async () => {
    await deployManifest()
    project.file('sluice.yaml', 'functions:\n  price:\n    file: index.ts\n    labels: { team: billing }\n')
    const { out } = await deployManifest()
    expect(out).toContain(
      '~ function price\n    timeoutMs    5000 → 30000\n    labels.team  (none) → billing\nUpdated price.\n',
    )
    expect(gateway.writes[1]).toMatchObject({ ifMatch: '"1"' })
    expect(gateway.writes[1]?.body).not.toHaveProperty('code')
  })

  it('publishes and moves an alias in the same go', async () => {
    const { out } = await deployManifest('--alias', 'live', '-m', 'first')
    expect(out).toContain('Created price.\nPublished price@1.\nprice@live → 1\n')
    expect(gateway.writes[0]?.body).toMatchObject({ publish: { description: 'first' } })
    project.file('index.ts', 'export default () => 2')
    expect((await deployManifest('--alias', 'live')).out).toContain('Published price@2.\nprice@live → 2\n')
    expect((await deployManifest('--publish')).out).toContain('price@2 has this content already.\n')
    expect(lines()).toEqual([
      'PUT /v1/functions/price',
      'PUT /v1/functions/price/aliases/live',
      'PUT /v1/functions/price',
      'PUT /v1/functions/price/aliases/live',
      'POST /v1/functions/price/versions',
    ])
  })

  it('only shows it with --dry-run, and exits with 4 if something would change', async () => {
    expect((await deployManifest('--dry-run')).code).toBe(4)
    expect(gateway.writes).toEqual([])
    await deployManifest()
    expect((await deployManifest('--dry-run')).code).toBe(0)
    const { code, out } = await deployManifest('--dry-run', '--publish', '--json')
    expect([code, JSON.parse(out)]).toMatchObject([4, { function: 'price', action: 'unchanged', fields: [] }])
  })

  it('takes a file alone: what is not said stays as it is', async () => {
    const file = project.file('apart/tax.ts', 'export const run = () => 1')
    project.file('apart/package.json', '{}')
    const args = ['--file', file, '--handler', 'run', '--env', 'REGION=eu', '--timeout', '10s', '--memory', '64']
    expect((await deploy(...args)).out).toContain('+ function tax\n')
    expect(gateway.state.functions.get('tax')?.latest.definition).toMatchObject({
      handler: 'run',
      environment: { REGION: 'eu' },
      timeoutMs: 10_000,
      memoryMiB: 64,
    })
    const { out } = await deploy('--file', file, '--label', 'team=billing')
    expect(out).toContain('~ function tax\n    labels.team  (none) → billing\nUpdated tax.\n')
    expect((await deploy('vat', '--file', file, '--handler', 'run')).out).toContain('+ function vat\n')
  })

  it('keeps the mark of an apply', async () => {
    await deployManifest()
    const record = gateway.state.functions.get('price')!
    const definition = { ...record.latest.definition, labels: { 'managed-by': 'apply:shop' } }
    const { code, hash } = record.latest
    gateway.change({ kind: 'put-function', name: 'price', managedBy: 'api', code, definition, hash: `${hash}x` })
    expect((await deployManifest()).out).toContain('= function price\n')
  })

  it('does not overwrite what somebody changed meanwhile', async () => {
    await deployManifest()
    project.file('index.ts', 'export default () => 2')
    gateway.onRequest = ({ line }) => {
      gateway.onRequest = () => undefined
      if (line.startsWith('GET')) {
        gateway.onRequest = put => {
          if (put.line.startsWith('PUT')) gateway.change({ kind: 'enable-function', name: 'price', enabled: false })
        }
      }
    }
    const { code, err } = await deployManifest()
    expect(code).toBe(1)
    expect(err).toMatch(
      /answered 412 SLUICE_REGISTRY_REVISION: function price is at revision 2, not 1: somebody changed/,
    )
  })

  it('tells what does not build with its place, and exits with 2', async () => {
    project.file('index.ts', 'export default () => \n  missing.')
    const { code, out, err } = await deployManifest()
    expect([code, out, gateway.writes]).toEqual([2, '', []])
    expect(err).toMatch(
      /^sluice: 1 problem in .*index\.ts and what it imports:\n\n.*index\.ts:2:11: Expected identifier but found end of file/,
    )
  })

  it('tells what the gateway refuses, and exits with 1', async () => {
    project.file('index.ts', 'export default () => 1')
    gateway.onRequest = ({ body }) => {
      gateway.refusedModule = (body as { code?: { module: string } } | undefined)?.code?.module
    }
    const { code, err } = await deployManifest()
    expect([code, err]).toEqual([
      1,
      'sluice: the gateway answered 422 SLUICE_FUNCTIONS_LOAD: function price does not load: x is not defined\n',
    ])
  })

  it('uploads data files, and warns of those that are missing', async () => {
    project.file('data.bin', new Uint8Array([1, 2, 255]))
    project.file(
      'index.ts',
      "export default () => [new URL('./data.bin', import.meta.url), new URL('./no.bin', import.meta.url)]",
    )
    project.file('sluice.yaml', 'functions:\n  price:\n    file: index.ts\n    files: [data.bin]\n')
    const { out, err } = await deployManifest()
    expect(out).toContain(', 1 data file)')
    expect(err).toBe(
      'warning: the code reads ./no.bin beside itself, and it is not uploaded: name it in files: of the manifest\n',
    )
    expect([...(gateway.code.get('price')?.get('data.bin') ?? [])]).toEqual([1, 2, 255])
    expect((await deployManifest()).out).toContain('= function price')
  })

  it.each([
    ['a manifest that is not there', ['--manifest', '/none/sluice.yaml'], 'there is no /none/sluice.yaml'],
    ['options for a file, in a project', ['--env', 'A=1'], '--env goes with --file'],
    ['a name that cannot be one', ['Price'], "'Price' cannot be a name"],
    ['a file that is not there', ['--file', '/none.ts'], 'there is no file /none.ts'],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    const { code, err } = await deploy(...args)
    expect(err).toContain(expected)
    expect(code).toBe(2)
  })

  it('exits with 3 when there is no gateway', async () => {
    expect((await deployManifest('--url', 'http://127.0.0.1:1')).code).toBe(3)
  })
})
