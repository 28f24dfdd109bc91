import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SeekView } from '../../src/api/views/seek-view.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Ledger } from './ledger.ts'
import { ledgerFunction, prepareWebhookGateway } from './webhook-gateway.ts'

let gateway: GatewayProcess
let ledger: Ledger

beforeEach(async () => {
  ;({ gateway, ledger } = await prepareWebhookGateway(file => ({
    functions: { record: ledgerFunction('record.mjs', file) },
    triggers: { record: { stream: 'hooks', function: 'record' } },
  })))
  await gateway.start()
})

afterEach(async () => {
  await ledger.close()
  await gateway.dispose()
})

async function send(...ids: readonly string[]): Promise<void> {
  for (const id of ids) expect((await gateway.post('/hooks', { id, key: id, seq: 0 })).status).toBe(202)
}

const ran = (id: string): number => ledger.counts.get(id) ?? 0

describe('a paused trigger that goes on elsewhere', () => {
  it('skips what came meanwhile only when somebody says so, and repeats what came since a time', async () => {
    await send('a', 'b')
    await ledger.waitFor(2)
    const between = Date.now()
    await gateway.cli('pause', 'record', '--reason', 'a test')
    await send('c', 'd')

    const plan = await gateway.cli('resume', 'record', '--skip', '--dry-run')
    expect(plan).toBe('record would skip up to 2 events, which never run')
    const refused = await gateway.run('resume', 'record', '--skip')
    expect(refused.exit.code).toBe(2)
    expect(refused.stderr).toContain('--yes')
    expect((await gateway.trigger('record')).state).toBe('paused')

    expect(await gateway.cli('resume', 'record', '--skip', '--yes')).toMatch(/^record will skip up to 2 events/)
    await send('e')
    await ledger.waitFor(3)
    expect([ran('c'), ran('d'), ran('e')]).toEqual([0, 0, 1])

    await gateway.cli('pause', 'record', '--reason', 'they were needed after all')
    const at = new Date(between).toISOString()
    expect(await gateway.cli('resume', 'record', '--at-time', at)).toMatch(/^record will repeat up to 3 events/)
    await ledger.waitFor(5)
    await gateway.until('e again', async () => (await ledger.read(), ran('e') === 2))
    expect(['a', 'b', 'c', 'd'].map(ran)).toEqual([1, 1, 1, 1])
  })

  it('is moved durably and stays paused, and not moved at all while it runs or to where the log has nothing', async () => {
    const seek = async (body: object) => {
      const answer = await gateway.post('/v1/triggers/record/seek', body)
      return { status: answer.status, view: JSON.parse(answer.body) as SeekView & { code: string } }
    }
    expect(await seek({ to: 'end' })).toMatchObject({ status: 409, view: { code: 'SLUICE_DISPATCH_NOT_PAUSED' } })
    await gateway.cli('pause', 'record', '--reason', 'a test')
    await send('a', 'b')
    expect(await seek({ to: { partition: 99, offset: 0 } })).toMatchObject({ status: 416 })
    expect(await seek({ to: { partition: 0, offset: 5_000 } })).toMatchObject({ status: 416 })
    const { view } = await seek({ to: 'end' })
    expect(view).toMatchObject({ moved: true, skipped: 2, repeated: 0, parked: 0 })
    await gateway.kill()
    await gateway.restart()
    const { state, lag } = await gateway.trigger('record')
    expect({ state, lag }).toEqual({ state: 'paused', lag: 0 })
  })
})
