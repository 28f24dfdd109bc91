import type { RedriveControl, RedriveInput } from '../../api/redrive-control.ts'
import type { RedrivePlanView, RedriveView } from '../../api/views/redrive-view.ts'
import { parseFunctionRef, parseVersionRef } from '../../config/function-ref.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { TriggerRecord } from '../../registry/registry-records.ts'
import { maxRedrives, type DeadLetterGroup, type RedriveJob } from '../../store/dead-letters.ts'
import { resolveRef } from '../fleet/ref-targets.ts'
import type { GatewayView } from '../gateway-view.ts'
import { letterOwner } from './dead-letter-control.ts'

/** Redrives: planned, started, looked at and cancelled. What carries them out is a duty. */
export function createRedriveControl(view: GatewayView): RedriveControl {
  const { store, redrives, registry, triggers } = view

  /** The trigger whose letters shall run. */
  const redrivable = async (name: string): Promise<TriggerRecord> => {
    const record = registry.state.triggers.get(name) ?? triggers.running.get(name)?.record
    if (record !== undefined) return record
    await letterOwner(view, name)
    const why = name.startsWith('source:')
      ? 'letters of a source never became events, so that no function can be given them; export them, and send them again'
      : `trigger ${name} is deleted: nothing would run its letters; export them, and send them again`
    throw new SluiceError('SLUICE_STORE_NOT_REDRIVABLE', why)
  }

  const check = async ({ name, uid, definition }: TriggerRecord, { filter, version }: RedriveInput): Promise<void> => {
    if (version !== undefined) {
      const functionName = parseFunctionRef(definition.function)?.name ?? definition.function
      const { problem } = resolveRef(registry.state, { name: functionName, version: parseVersionRef(version) })
      if (problem !== undefined) throw new SluiceError('SLUICE_DISPATCH_UNRESOLVED', problem)
    }
    for (const id of filter.ids ?? []) {
      const letter = await store.deadLetter(uid, id)
      if (letter === undefined)
        throw new SluiceError('SLUICE_API_NOT_FOUND', `${name} has no dead letter ${id}; nothing was redriven`)
      if (letter.stage === 'source')
        throw new SluiceError(
          'SLUICE_STORE_NOT_REDRIVABLE',
          `dead letter ${id} never was an event; nothing was redriven`,
        )
      if (letter.redrive !== 0)
        throw new SluiceError('SLUICE_STORE_REDRIVING', `dead letter ${id} is part of redrive ${letter.redrive}`)
    }
  }

  const plan = async ({ name, uid }: TriggerRecord, input: RedriveInput): Promise<RedrivePlanView> =>
    planOf(name, await store.groupDeadLetters(uid, input.filter), isForced(input))

  const jobOf = async (name: string, id: number): Promise<RedriveView> => {
    const job = (await store.redrives(await letterOwner(view, name))).find(one => one.id === id)
    if (job === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `${name} has no redrive ${id}`)
    return redriveViewOf(name, job, job.inFlight)
  }

  return {
    async planRedrive(name, input) {
      const record = await redrivable(name)
      await check(record, input)
      return plan(record, input)
    },
    async startRedrive(name, input) {
      const record = await redrivable(name)
      await check(record, input)
      // First: what comes while it is counted is not part of it.
      const upToId = await store.lastDeadLetter(record.uid)
      const { total, skipped } = await plan(record, input)
      const { filter, ratePerS, version } = input
      const job = await redrives.begin({
        trigger: record.uid,
        filter,
        upToId,
        total,
        guarded: skipped.redrivenTooOften,
        force: isForced(input),
        ...(ratePerS === undefined ? {} : { ratePerS }),
        ...(version === undefined ? {} : { version }),
      })
      return redriveViewOf(name, job, 0)
    },
    async redrives(name) {
      const jobs = await store.redrives(await letterOwner(view, name))
      return jobs.map(job => redriveViewOf(name, job, job.inFlight))
    },
    redrive: jobOf,
    async cancelRedrive(name, id) {
      await jobOf(name, id)
      await store.cancelRedrive(id, Date.now())
      return jobOf(name, id)
    },
  }
}

/** Whoever names a letter means it. */
const isForced = ({ force, filter }: RedriveInput): boolean => force || filter.ids !== undefined

/** What a redrive takes of letters, and what it leaves. Pure. */
export function planOf(trigger: string, groups: readonly DeadLetterGroup[], force: boolean): RedrivePlanView {
  const skipped = { redrivenTooOften: 0, neverAnEvent: 0, beingRedriven: 0 }
  let matching = 0
  let total = 0
  for (const { letters, stage, isRedriving, redriveCount } of groups) {
    matching += letters
    if (stage === 'source') skipped.neverAnEvent += letters
    else if (isRedriving) skipped.beingRedriven += letters
    else if (!force && redriveCount >= maxRedrives) skipped.redrivenTooOften += letters
    else total += letters
  }
  return { trigger, matching, total, skipped }
}

function redriveViewOf(trigger: string, job: RedriveJob, inFlight: number): RedriveView {
  const { id, state, filter, total, redriven, succeeded, failed, guarded, ratePerS, version } = job
  return {
    id,
    trigger,
    state,
    filter: { ...filter },
    total,
    redriven,
    succeeded,
    failed,
    inFlight,
    guarded,
    ratePerSecond: ratePerS ?? null,
    version: version ?? null,
    startedAtMs: job.startedAtMs,
    endedAtMs: job.endedAtMs,
  }
}
