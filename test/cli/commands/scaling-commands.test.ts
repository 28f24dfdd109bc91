import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ScalingView } from '../../../src/api/views/scaling-view.ts'
import { scalingInputsOf, scalingViewOf } from '../../api/sample-views.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli, startCli, type CliOptions } from '../test-io.ts'

let gateway: MemoryGateway
let dir: string

beforeEach(async () => {
  gateway = await startMemoryGateway()
  dir = mkdtempSync(join(tmpdir(), 'sluice-scaling-'))
})

afterEach(async () => {
  await gateway.close()
  rmSync(dir, { recursive: true, force: true })
})

const optionsOf = (columns?: number): CliOptions => ({
  environment: { SLUICE_URL: gateway.url },
  ...(columns === undefined ? {} : { terminal: { columns, colors: false } }),
})
const sluice = (...args: string[]) => cli(args, optionsOf())

/** A file in the test's directory, and its path. */
function file(name: string, content: unknown): string {
  const path = join(dir, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

describe('sluice scaling', () => {
  it('says so when nothing runs', async () => {
    expect((await sluice('scaling')).out).toBe('nothing uses a version now\n')
  })

  it('shows what each version has and why, and the decisions without the idle ones', async () => {
    gateway.scaling = () => scalingViewOf('price')
    const { out, code } = await sluice('scaling')
    expect(code).toBe(0)
    const lines = out.split('\n').map(line => line.replace(/\d\d:\d\d:\d\d/, 'TIME'))
    expect(lines).toEqual([
      'VERSION       WORKERS  OF  BUSY  WAITING   IN/S  DONE/S  CALL     CPU  WHY',
      'price@latest  2→4       8     2      756  1,056     740  21.4 ms  2 %  2→4: 756 waiting + 1,056/s ÷ 374/s per worker, target 2 s',
      '+ 1 version without work or workers',
      '',
      'AT        VERSION       WORKERS  WHY',
      'TIME  price@latest  2→4      756 waiting + 1,056/s ÷ 374/s per worker, target 2 s',
      'TIME  price@latest  0→1      the first event waits',
      '',
    ])
  })

  it('never shows an unknown lag as none', async () => {
    const view = scalingViewOf('price')
    const unknown = view.versions.map(version => ({ ...version, inputs: scalingInputsOf(null) }))
    gateway.scaling = () => ({ ...view, versions: unknown })
    const { out } = await sluice('scaling')
    expect(out).toMatch(/price@latest .* \? .*1,056/)
    expect(out).not.toContain('without work')
  })

  it('asks for one function and version, and for as many decisions as are wanted', async () => {
    gateway.scaling = () => scalingViewOf('price')
    const { out } = await sluice('scaling', 'price', '--version', '3', '--decisions', '1', '--json')
    expect(gateway.requests.at(-1)?.line).toBe('GET /v1/scaling?function=price&version=3&limit=1')
    expect((JSON.parse(out) as ScalingView).decisions).toHaveLength(1)
  })

  it('fits the terminal', async () => {
    gateway.scaling = () => scalingViewOf('price')
    const { out } = await cli(['scaling'], optionsOf(70))
    for (const line of out.trimEnd().split('\n')) expect(line.length).toBeLessThanOrEqual(70)
  })

  it('prints each new decision once while it watches into a pipe', async () => {
    const view = scalingViewOf('price')
    let looks = 0
    gateway.scaling = () => {
      looks++
      const next = { ...view.decisions[0], atMs: 1_000 + looks, from: looks, to: looks + 1, reason: `look ${looks}` }
      return { ...view, decisions: [next as ScalingView['decisions'][number], ...(looks > 1 ? view.decisions : [])] }
    }
    const running = startCli(['scaling', '--watch'], optionsOf())
    await running.printed('look 2')
    running.interrupt()
    const { code, out } = await running.ended
    expect(code).toBe(0)
    expect(out).not.toContain('look 1')
    expect(out.match(/the first event waits/g)).toHaveLength(1)
  })

  it('draws over what was there while it watches on a terminal', async () => {
    gateway.scaling = () => scalingViewOf('price')
    const running = startCli(['scaling', '--watch'], optionsOf(100))
    await running.printed('756 waiting')
    running.interrupt()
    const { code, out } = await running.ended
    expect(code).toBe(0)
    expect(out.startsWith('\u001b[H')).toBe(true)
    expect(out.endsWith('\u001b[J')).toBe(true)
  })
})

describe('sluice record', () => {
  /** 25 events more with every look. */
  function busyGateway(): void {
    let ended = 0
    const view = scalingViewOf('price')
    gateway.scaling = () => {
      ended += 25
      const versions = view.versions.slice(0, 1).map(version => ({
        ...version,
        inputs: { ...scalingInputsOf(0), running: 0 },
        totals: { ...version.totals, succeeded: ended, failed: 0, handlerMs: ended * 20, cpuMs: ended },
      }))
      return { ...view, versions }
    }
  }

  it('writes what a simulation reads', async () => {
    busyGateway()
    const out = join(dir, 'load.json')
    const { code, err } = await sluice('record', '--for', '1s', '--interval', '500ms', '-o', out)
    expect([code, err]).toEqual([0, expect.stringMatching(/load\.json: 1 s, 50 events of 1 function\n$/)])
    const simulated = await sluice('simulate', '--load', out)
    expect([simulated.code, simulated.out]).toEqual([0, expect.stringContaining('price')])
  })

  it('keeps what it has at Ctrl-C', async () => {
    busyGateway()
    const running = startCli(['record', '--interval', '200ms'], optionsOf(80))
    await running.printed('50 events')
    running.interrupt()
    const { code, out } = await running.ended
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      format: 'sluice-load/1',
      intervalMs: 200,
      functions: [{ function: 'price' }],
    })
  })

  it('refuses to write a load of nothing', async () => {
    const { code, err } = await sluice('record', 'price', '--for', '1s', '--interval', '1s')
    expect([code, err]).toEqual([2, 'sluice: nothing to record: function price had no event\n'])
  })
})

describe('sluice simulate', () => {
  const load = {
    format: 'sluice-load/1',
    durationS: 60,
    functions: [
      {
        function: 'price',
        serviceTimeMs: 20,
        cpuTimeMs: 0.4,
        arrivals: { shape: 'step', fromPerS: 20, toPerS: 400, atS: 20 },
      },
    ],
  }

  it('needs no gateway, and gives the same for the same seed', async () => {
    const path = file('load.json', load)
    const policy = file('policy.yaml', 'minWorkers: 1\nmaxWorkers: 4\n')
    const run = (seed: string) => cli(['simulate', '--load', path, '--policy', policy, '--seed', seed, '--json'])
    const [one, again, other] = [await run('7'), await run('7'), await run('8')]
    expect([one.code, one.err]).toEqual([0, ''])
    expect(again.out).toBe(one.out)
    expect(other.out).not.toBe(one.out)
  })

  it('tells why every number of workers changed, and draws it', async () => {
    const chart = join(dir, 'chart.svg')
    const { code, out } = await sluice('simulate', '--load', file('load.json', load), '--decisions', '--chart', chart)
    expect(code).toBe(0)
    expect(out).toMatch(/\d s {2}price {2}\d→\d: .*waiting/)
    expect(readFileSync(chart, 'utf8')).toMatch(/^<svg /)
  })

  it('compares scalers', async () => {
    const args = ['--scaler', 'sluice', '--scaler', 'keda', '--markdown']
    const { out } = await sluice('simulate', '--load', file('load.json', load), ...args)
    expect(out).toMatch(/\| ?sluice/i)
    expect(out).toMatch(/\| ?keda/i)
  })

  it.each([
    ['a load that is not there', ['--load', 'nowhere.json'], /^sluice: cannot read nowhere\.json: /],
    ['a load that is no JSON', ['--load', () => file('bad.json', '{')], /bad\.json cannot be parsed: /],
    ['a load without functions', ['--load', () => file('empty.json', { format: 'sluice-load/1' })], /functions/],
    [
      'an unknown scaler',
      ['--load', () => file('load.json', load), '--scaler', 'kedda'],
      /there is no scaler 'kedda'.*keda/,
    ],
    [
      'a policy that contradicts itself',
      ['--load', () => file('load.json', load), '--policy', () => file('p.yaml', 'minWorkers: 5\nmaxWorkers: 2')],
      /minWorkers/,
    ],
  ] as const)('refuses %s', async (_what, args, message) => {
    const { code, err } = await sluice('simulate', ...args.map(arg => (typeof arg === 'string' ? arg : arg())))
    expect([code, err]).toEqual([2, expect.stringMatching(message)])
  })
})
