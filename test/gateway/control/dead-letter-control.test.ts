import { describe, expect, it } from 'vitest'
import type { DeadLetterControl } from '../../../src/api/dead-letter-control.ts'
import type { DeadLetterView } from '../../../src/api/views/dead-letter-view.ts'
import { encodeEventHeader } from '../../../src/events/event-header-codec.ts'
import { createDeadLetterControl } from '../../../src/gateway/control/dead-letter-control.ts'
import type { GatewayView } from '../../../src/gateway/gateway-view.ts'
import type { HomeStore } from '../../../src/store/home-store.ts'
import { letterAt, openStore } from '../../store/store-fixture.ts'

/** The trigger `orders`, whose letters the store has under the uid `t`. */
async function open(): Promise<{ store: HomeStore; control: DeadLetterControl }> {
  const store = await openStore()
  const view = {
    store,
    registry: { state: { triggers: new Map([['orders', { uid: 't' }]]) } },
    triggers: { running: new Map() },
  }
  return { store, control: createDeadLetterControl(view as unknown as GatewayView) }
}

const header = (id: string) =>
  encodeEventHeader({ id, source: '/s', type: 'order', traceparent: 'tp', acceptedAtMs: 5, hops: 0 })

async function all(letters: AsyncIterable<DeadLetterView>): Promise<DeadLetterView[]> {
  const items: DeadLetterView[] = []
  for await (const letter of letters) items.push(letter)
  return items
}

describe('dead letters of a trigger', () => {
  it('are listed in pages with how many there are and match', async () => {
    const { store, control } = await open()
    for (const offset of [1, 2, 3, 4]) await store.putDeadLetter(letterAt(offset, { key: offset === 2 ? 'x' : 'k' }))
    const first = await control.deadLetters('orders', { filter: { key: 'k' }, limit: 2 })
    expect(first).toMatchObject({ total: 4, matching: 3, next: 3, items: [{ id: 4, trigger: 'orders' }, { id: 3 }] })
    const second = await control.deadLetters('orders', { filter: { key: 'k' }, limit: 2, before: 3 })
    expect(second).toMatchObject({ next: null, items: [{ id: 1 }] })
  })

  it('go on behind a page that ends early because its letters are large', async () => {
    const { store, control } = await open()
    const failures = JSON.stringify([{ message: 'x'.repeat(5_000_000) }])
    for (const offset of [1, 2, 3]) await store.putDeadLetter(letterAt(offset, { failures }))
    const first = await control.deadLetters('orders', { filter: {}, limit: 50 })
    expect(first).toMatchObject({ next: 3, items: [{ id: 3 }] })
  })

  it('are cut in a list and whole alone and in an export', async () => {
    const { store, control } = await open()
    const value = Buffer.alloc(100_000, 7)
    await store.putDeadLetter(letterAt(1, { value, header: header('e1'), results: '[{"data":"eA=="}]' }))
    const [listed] = (await control.deadLetters('orders', { filter: {}, limit: 1 })).items
    expect([Buffer.from(listed!.dataBase64!, 'base64').length, listed!.dataBytes]).toEqual([65_536, 100_000])
    const whole = await control.deadLetter('orders', 1)
    expect(Buffer.from(whole.dataBase64!, 'base64').equals(value)).toBe(true)
    expect(whole).toMatchObject({ event: { id: 'e1', traceparent: 'tp' }, results: [{ data: 'eA==' }], redrive: null })
    expect(await all(await control.exportDeadLetters('orders', {}))).toEqual([whole])
  })

  it('are exported completely and oldest first, however many there are, without those that come meanwhile', async () => {
    const { store, control } = await open()
    await Promise.all(Array.from({ length: 450 }, (_, index) => store.putDeadLetter(letterAt(index + 1))))
    const letters = await control.exportDeadLetters('orders', {})
    await store.putDeadLetter(letterAt(999))
    const ids = (await all(letters)).map(({ id }) => id)
    expect(ids).toEqual(Array.from({ length: 450 }, (_, index) => index + 1))
  })

  it('show what they had instead of attributes when they never were an event', async () => {
    const { store, control } = await open()
    await store.putDeadLetter(letterAt(1, { header: Buffer.from('{"key":null}'), stage: 'source' }))
    const letter = await control.deadLetter('orders', 1)
    expect(letter.event).toEqual({ id: 'e1' })
    expect(Buffer.from(letter.headerBase64!, 'base64').toString()).toBe('{"key":null}')
  })

  it('are deleted by a filter, those that are there, all of them', async () => {
    const { store, control } = await open()
    const puts = Array.from({ length: 700 }, (_, index) =>
      store.putDeadLetter(letterAt(index + 1, { reason: index % 7 === 0 ? 'timeout' : 'error' })),
    )
    await Promise.all(puts)
    const filter = { reason: 'error' }
    expect(await control.deleteDeadLetters('orders', filter, { dryRun: true })).toMatchObject({
      matching: 600,
      deleted: 0,
    })
    expect(await control.deleteDeadLetters('orders', filter, { dryRun: false })).toMatchObject({ deleted: 600 })
    expect((await control.deadLetters('orders', { filter: {}, limit: 1 })).total).toBe(100)
  })

  it('are found by uid when the trigger is gone, and not at all when nobody has that name', async () => {
    const { store, control } = await open()
    await store.putDeadLetter(letterAt(1, { trigger: 'gone-1' }))
    expect((await control.deadLetters('gone-1', { filter: {}, limit: 1 })).total).toBe(1)
    await expect(control.deadLetters('nobody', { filter: {}, limit: 1 })).rejects.toMatchObject({
      code: 'SLUICE_API_NOT_FOUND',
    })
    await expect(control.deadLetter('orders', 1)).rejects.toMatchObject({ code: 'SLUICE_API_NOT_FOUND' })
    expect((await control.deadLetters('source:web', { filter: {}, limit: 1 })).items).toEqual([])
  })
})
