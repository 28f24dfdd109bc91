import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RolloutRecord } from '../../../src/registry/registry-records.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { cli, startCli, type CliOptions } from '../test-io.ts'
import { putFunction } from './deployed-function.ts'

let gateway: MemoryGateway
beforeEach(async () => {
  gateway = await startMemoryGateway()
  putFunction(gateway, 'price', { versions: 4 })
})
afterEach(() => gateway.close())

const environment = () => ({ environment: { SLUICE_URL: gateway.url } })
const sluice = (...args: string[]) => cli(args, environment())
const aliasRecord = (alias = 'live') => gateway.state.functions.get('price')!.aliases.get(alias)!

describe('sluice publish', () => {
  it('makes a numbered copy, with description and labels', async () => {
    const { code, out } = await sluice('publish', 'price', '-m', 'cents', '--label', 'ticket=T-1', '--label', 'by=ada')
    expect([code, out]).toEqual([0, 'Published price@5 (price-4).\n'])
    expect(gateway.writes[0]).toMatchObject({
      line: 'POST /v1/functions/price/versions',
      body: { description: 'cents', labels: { ticket: 'T-1', by: 'ada' } },
    })
  })

  it('says so when there is nothing new', async () => {
    await sluice('publish', 'price')
    expect((await sluice('publish', 'price')).out).toBe('price@5 has the content of latest already (price-4).\n')
    expect(JSON.parse((await sluice('publish', 'price', '--json')).out)).toMatchObject({ version: 5, unchanged: true })
  })
})

describe('sluice alias', () => {
  it('points to a version, and to weighted ones', async () => {
    expect((await sluice('alias', 'price', 'live', '3')).out).toBe('price@live → 3\n')
    expect((await sluice('alias', 'price', 'live', '3=90', '4=10')).out).toBe('price@live → 3 90 %, 4 10 % (was 3)\n')
    expect(gateway.writes.map(({ ifMatch, ifNoneMatch }) => [ifMatch, ifNoneMatch])).toEqual([
      [undefined, '*'],
      [`"${aliasRecord().revision - 1}"`, undefined],
    ])
  })

  it('keeps shadow and description where nothing is said of them', async () => {
    await sluice('alias', 'price', 'live', '3', '--shadow', '4', '--shadow-percent', '20', '-m', 'for all')
    expect(aliasRecord()).toMatchObject({ shadow: { version: 4, percent: 20 }, description: 'for all' })
    const { out } = await sluice('alias', 'price', 'live', '2')
    expect(out).toBe('price@live → 2 (was 3), shadow 4 gets 20 %\n')
    expect(aliasRecord()).toMatchObject({ shadow: { version: 4, percent: 20 }, description: 'for all' })
    await sluice('alias', 'price', 'live', '--shadow-percent', '50')
    expect(aliasRecord()).toMatchObject({ shadow: { version: 4, percent: 50 }, weights: [{ version: 2, weight: 100 }] })
    await sluice('alias', 'price', 'live', '--no-shadow')
    expect(aliasRecord().shadow).toBeUndefined()
  })

  it('is shown in full, with the report of its shadow', async () => {
    await sluice('alias', 'price', 'live', '3', '--shadow', '4')
    gateway.shadow = {
      function: 'price',
      alias: 'live',
      version: 4,
      percent: 100,
      compared: 1_200,
      same: 1_198,
      different: 2,
      failedOnlyInShadow: 0,
      failedOnlyInReal: 0,
      dropped: 7,
      examples: [{ eventId: 'e1', key: 'k', difference: 'another body', real: { total: 1 }, shadow: { total: 2 } }],
    }
    const { out, err } = await sluice('alias', 'price', 'live')
    expect(err).toBe('')
    expect(out).toContain('shadow    4 gets 100 % of the events\n')
    expect(out).toContain('compared                  1,200\n')
    expect(out).toContain('e1     k    another body  {"total":1}  {"total":2}\n')
    expect(JSON.parse((await sluice('alias', 'price', 'live', '--show', '--json')).out)).toMatchObject({
      weights: [{ version: 3, weight: 100 }],
      shadowReport: { different: 2 },
    })
  })

  it('is deleted, and where a trigger needs it only by force', async () => {
    await sluice('alias', 'price', 'live', '3')
    await sluice('triggers', 'create', 't', '--stream', 'orders', '--function', 'price@live')
    const { code, err } = await sluice('alias', 'price', 'live', '--delete')
    expect(code).toBe(1)
    expect(err).toContain('409 SLUICE_REGISTRY_IN_USE: alias price@live is needed by trigger t')
    expect(err).toContain('(--force)')
    expect((await sluice('alias', 'price', 'live', '--delete', '--force')).out).toBe('Deleted price@live.\n')
  })

  it('says that it ends a rollout', async () => {
    await sluice('alias', 'price', 'live', '3')
    await sluice('rollout', 'price', 'live', '--to', '4', '--no-watch')
    expect((await sluice('alias', 'price', 'live', '3')).err).toBe('note: this ended the rollout to 4\n')
  })

  it.each([
    ['weights above 100', ['alias', 'price', 'live', '3', '4'], 'add up to 200'],
    ['weights below 100', ['alias', 'price', 'live', '3=50'], 'add up to 50, not to 100'],
    ['what is no version', ['alias', 'price', 'live', 'latest'], 'a version (4)'],
    ['a shadow share without a shadow', ['alias', 'price', 'new', '3', '--shadow-percent', '5'], 'goes with --shadow'],
    ['a name that paths swallow', ['alias', 'price', '..', '3'], "'..' is no name"],
  ])('exits with 2 for %s', async (_what, args, expected) => {
    const { code, err } = await sluice(...args)
    expect(err).toContain(expected)
    expect([code, gateway.writes]).toEqual([2, []])
  })

  it('tells what the gateway refuses', async () => {
    const { code, err } = await sluice('alias', 'price', 'live', '9')
    expect([code, err]).toEqual([
      1,
      'sluice: the gateway answered 422 SLUICE_REGISTRY_INVALID: alias price@live: weights[0].version: function price has no version 9\n',
    ])
  })
})

describe('sluice rollout', () => {
  const args = ['rollout', 'price', 'live', '--to', '4', '--step-time', '100ms']
  const end = (patch: Partial<RolloutRecord>, weights: { version: number; weight: number }[]): void => {
    const { rollout, description } = aliasRecord()
    gateway.change({
      kind: 'put-alias',
      function: 'price',
      alias: 'live',
      description,
      weights,
      rollout: { ...rollout!, ...patch },
    })
  }
  beforeEach(() => sluice('alias', 'price', 'live', '3'))

  it('sends steps and bounds', async () => {
    const bounds = [
      '--max-error-rate',
      '0.02',
      '--max-p95',
      '200ms',
      '--max-p95-ratio',
      '1.5',
      '--min-invocations',
      '5',
    ]
    const { code, out } = await sluice(...args, '--steps', '1,10,100', ...bounds, '--no-watch')
    expect(code).toBe(0)
    expect(out).toMatch(/^price@live: 3 → 4\nto 4, running: step 1 of 3 \(1 %\)/)
    expect(gateway.writes.at(-1)).toMatchObject({
      line: 'POST /v1/functions/price/aliases/live/rollout',
      body: {
        to: 4,
        steps: [1, 10, 100],
        stepMs: 100,
        bounds: { maxErrorRate: 0.02, maxP95Ms: 200, maxP95Ratio: 1.5, minInvocations: 5 },
      },
    })
  })

  it('watches each step, and exits with 0 when the version has got everything', async () => {
    const running = startCli(args, environment())
    await running.printed('step 1 of 3: 10 % to 4, for 100 ms')
    end({ step: 1, reason: 'step 2' }, [
      { version: 3, weight: 50 },
      { version: 4, weight: 50 },
    ])
    await running.printed('step 2 of 3: 50 % to 4')
    end({ state: 'completed', endedAtMs: 1, reason: '100 % held' }, [{ version: 4, weight: 100 }])
    const { code, out } = await running.ended
    expect(code).toBe(0)
    expect(out).toMatch(/\d\d:\d\d:\d\d completed; live → 4: 100 % held\n$/)
  })

  it('exits with 1 when the alias went back, and says why', async () => {
    const running = startCli(args, environment())
    await running.printed('step 1 of 3')
    end({ state: 'rolled-back', endedAtMs: 1, reason: '5 of 20 attempts failed (25 %), the bound is 2 %' }, [
      { version: 3, weight: 100 },
    ])
    const { code, out } = await running.ended
    expect(code).toBe(1)
    expect(out).toContain('rolled-back; live → 3: 5 of 20 attempts failed (25 %), the bound is 2 %\n')
  })

  it('shows on a terminal what it waits for, in one line that goes again', async () => {
    const options: CliOptions = { ...environment(), terminal: { columns: 80, colors: false } }
    const running = startCli(args, options)
    await running.printed('step 1 of 3: 10 %')
    end({ reason: 'waiting for invocations: 3 of 20' }, aliasRecord().weights.slice())
    await running.printed('waiting for invocations: 3 of 20')
    end({ state: 'completed', endedAtMs: 1 }, [{ version: 4, weight: 100 }])
    const { err } = await running.ended
    expect(err).toMatch(/\r\u001b\[2K[^\n]*waiting for invocations: 3 of 20[^\n]*\r\u001b\[2K$/)
  })

  it('goes on when nobody watches any more', async () => {
    const running = startCli(args, environment())
    await running.printed('step 1 of 3')
    running.interrupt()
    const { code, err } = await running.ended
    expect([code, err]).toEqual([
      0,
      '\nThe rollout goes on: `sluice rollout price live` watches it, --abort ends it.\n',
    ])
    expect(aliasRecord().rollout?.state).toBe('running')
  })

  it('is aborted with the weights back, or as they are', async () => {
    await sluice(...args, '--no-watch')
    expect((await sluice('rollout', 'price', 'live', '--abort')).out).toBe('Aborted; price@live → 3\n')
    await sluice(...args, '--no-watch')
    expect((await sluice('rollout', 'price', 'live', '--abort', '--keep')).out).toBe(
      'Aborted; price@live → 3 90 %, 4 10 %\n',
    )
    expect(gateway.writes.at(-1)?.line).toBe('DELETE /v1/functions/price/aliases/live/rollout?restore=false')
    expect((await sluice('rollout', 'price', 'live')).code).toBe(1)
  })

  it('prints JSON once it has ended', async () => {
    const running = startCli([...args, '--json'], environment())
    while (aliasRecord().rollout === undefined) await new Promise(resolve => setImmediate(resolve))
    end({ state: 'completed', endedAtMs: 1 }, [{ version: 4, weight: 100 }])
    expect(JSON.parse((await running.ended).out)).toMatchObject({ rollout: { state: 'completed' } })
  })

  it.each([
    ['steps that do not ascend', ['--steps', '50,10,100'], 'must ascend to 100'],
    ['steps that do not end', ['--steps', '10,50'], 'must ascend to 100'],
    ['an error rate in percent', ['--max-error-rate', '2'], 'from 0 to 1'],
  ])('exits with 2 for %s', async (_what, more, expected) => {
    const { code, err } = await sluice(...args, ...more)
    expect([code, err]).toMatchObject([2, expect.stringContaining(expected)])
  })
})
