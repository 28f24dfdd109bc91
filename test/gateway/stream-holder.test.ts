import { expect, it } from 'vitest'
import type { TriggerDispatch } from '../../src/dispatch/trigger-dispatch.ts'
import { describeHolder, type HolderParts } from '../../src/gateway/stream-holder.ts'
import type { TriggerRecord } from '../../src/registry/registry-records.ts'

const recordOf = (name: string, enabled = true): TriggerRecord =>
  ({ name, uid: name, definition: { enabled } }) as TriggerRecord

function partsOf(dispatch: Partial<TriggerDispatch>): HolderParts {
  const trigger = { name: 'audit', record: recordOf('audit'), dispatch: dispatch as TriggerDispatch }
  return {
    running: new Map([['audit', trigger]]),
    waiting: new Map([['mail', { record: recordOf('mail'), problem: 'there is no sink smtp' }]]),
    state: { triggers: new Map([['off', recordOf('off', false)]]) } as unknown as HolderParts['state'],
  }
}

it.each([
  [{ pauseRecord: { reason: '', by: 'me', sinceMs: 1_700_000_000_000 } }, 'paused since 2023-11-14T22:13:20Z,'],
  [{ problem: 'dead letters cannot be written' }, 'which is stopped (dead letters cannot be written),'],
  [{ state: 'disabled' as const }, 'whose function is disabled,'],
])('names the trigger that holds a stream and why it does: %#', (dispatch, expected) => {
  expect(describeHolder('trigger.audit', partsOf(dispatch))).toBe(`trigger audit, ${expected}`)
})

it('names a trigger that only is too slow, one that cannot run, and one that is off', () => {
  const parts = partsOf({ state: 'running' })
  expect(describeHolder('trigger.audit', parts)).toBe('trigger audit')
  expect(describeHolder('trigger.mail', parts)).toBe('trigger mail, which cannot run (there is no sink smtp),')
  expect(describeHolder('trigger.off', parts)).toBe('trigger off, which is disabled,')
  expect(describeHolder('trigger.gone', parts)).toBeUndefined()
})
