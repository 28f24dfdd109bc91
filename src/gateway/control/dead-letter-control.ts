import type { DeadLetterControl } from '../../api/dead-letter-control.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import type { DeadLetterFilter, DeadLetterPage } from '../../store/dead-letters.ts'
import type { GatewayView } from '../gateway-view.ts'
import { deadLetterView, shownBytes } from '../views/dead-letter-view.ts'

/** Matching letters are counted so far: a list need not search a million for a number at its foot. */
const maxCounted = 100_000
/** Letters that an export reads at a time; their bytes are bounded besides. */
const exportedAtOnce = 200

/** Dead letters: listed, shown, exported and deleted. */
export function createDeadLetterControl(view: GatewayView): DeadLetterControl {
  const { store } = view

  return {
    async deadLetters(name, { filter, limit, before }) {
      const uid = await letterOwner(view, name)
      const page: DeadLetterPage = {
        filter,
        maxValueBytes: shownBytes,
        ...(before === undefined ? {} : { beforeId: before }),
      }
      const [letters, kept] = await Promise.all([store.listDeadLetters(uid, limit, page), store.countDeadLetters()])
      const last = letters.at(-1)
      // A page may end early, by its size: whether there is more, only the store knows.
      const isMore =
        last !== undefined && (await store.listDeadLetters(uid, 1, { ...page, beforeId: last.id })).length > 0
      const total = kept.get(uid) ?? 0
      return {
        items: letters.map(letter => deadLetterView(letter, name)),
        total,
        matching: Object.keys(filter).length === 0 ? total : await store.countMatching(uid, filter, maxCounted),
        next: isMore ? last.id : null,
      }
    },
    async deadLetter(name, id) {
      const letter = await store.deadLetter(await letterOwner(view, name), id)
      if (letter === undefined) throw noLetter(name, id)
      return deadLetterView(letter, name)
    },
    async exportDeadLetters(name, filter) {
      const uid = await letterOwner(view, name)
      const upToId = await store.lastDeadLetter(uid)
      return (async function* () {
        let afterId = 0
        for (;;) {
          const letters = await store.listDeadLetters(uid, exportedAtOnce, { filter, afterId, upToId })
          for (const letter of letters) yield deadLetterView(letter, name)
          const last = letters.at(-1)
          if (last === undefined) return
          afterId = last.id
        }
      })()
    },
    async deleteDeadLetter(name, id) {
      const outcome = await store.deleteDeadLetter(await letterOwner(view, name), id)
      if (outcome === 'absent') throw noLetter(name, id)
      if (outcome === 'deleted') return
      const message = `dead letter ${id} of ${name} is part of a redrive; delete it when that has ended, or cancel it first`
      throw new SluiceError('SLUICE_STORE_REDRIVING', message)
    },
    async deleteDeadLetters(name, filter, { dryRun }) {
      const uid = await letterOwner(view, name)
      const upToId = await store.lastDeadLetter(uid)
      const matching = await store.countMatching(uid, filter, Number.MAX_SAFE_INTEGER)
      return { dryRun, matching, deleted: dryRun ? 0 : await deleteUpTo(uid, filter, upToId) }
    },
  }

  /** Step by step, so that events that die meanwhile do not wait for a million deletions. */
  async function deleteUpTo(uid: string, filter: DeadLetterFilter, upToId: number): Promise<number> {
    let deleted = 0
    for (let afterId: number | undefined = 0; afterId !== undefined;) {
      const step = await store.deleteDeadLetters(uid, filter, { afterId, upToId })
      deleted += step.deleted
      afterId = step.next
    }
    return deleted
  }
}

/**
 * Under which name the store keeps the letters of a trigger: its uid. Those of a deleted trigger are found by its uid, those
 * of a source by `source:<name>`.
 * @throws {SluiceError} SLUICE_API_NOT_FOUND.
 */
export async function letterOwner({ registry, triggers, store }: GatewayView, name: string): Promise<string> {
  const record = registry.state.triggers.get(name) ?? triggers.running.get(name)?.record
  if (record !== undefined) return record.uid
  if (name.startsWith('source:') || (await store.countDeadLetters()).has(name)) return name
  throw new SluiceError('SLUICE_API_NOT_FOUND', `there is no trigger ${name}; GET /v1/triggers lists them`)
}

const noLetter = (name: string, id: number): SluiceError =>
  new SluiceError('SLUICE_API_NOT_FOUND', `${name} has no dead letter ${id}; it may have been redriven or deleted`)
