import { randomUUID } from 'node:crypto'
import type { AliasControl } from '../../api/alias-control.ts'
import type { AliasView } from '../../api/views/alias-view.ts'
import { SluiceError } from '../../errors/sluice-error.ts'
import { planDeleteAlias, planEndRollout, planPutAlias, planStartRollout } from '../../registry/plan-alias.ts'
import type { AliasRecord, RegistryState } from '../../registry/registry-records.ts'
import { weightsAt } from '../duties/rollout-weights.ts'
import type { GatewayView } from '../gateway-view.ts'
import { aliasViewOf } from '../views/alias-views.ts'
import { conditionOf, functionNamed } from './function-control.ts'

/** Aliases of functions, their rollouts and shadows. */
export function createAliasControl(view: GatewayView): AliasControl {
  const { registry, shadows } = view
  const viewOf = (state: RegistryState, name: string, alias: string): AliasView => {
    const record = functionNamed(state, name)
    const shown = aliasViewOf(record, aliasNamed(state, name, alias))
    const { rollout } = shown
    if (rollout?.state !== 'running') return shown
    return { ...shown, rollout: { ...rollout, reason: view.rollouts.waitsFor(rollout.id) ?? rollout.reason } }
  }
  return {
    async aliases(name) {
      const record = functionNamed(registry.state, name)
      const sorted = [...record.aliases.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
      return Promise.resolve(sorted.map(alias => aliasViewOf(record, alias)))
    },
    async alias(name, alias) {
      return Promise.resolve(viewOf(registry.state, name, alias))
    },
    async putAlias(name, alias, input, precondition) {
      let created = false
      const state = await registry.transact('api', current => {
        created = current.functions.get(name)?.aliases.has(alias) !== true
        return planPutAlias(current, { function: name, alias, ...input, ...conditionOf(precondition) }, Date.now())
      })
      return { created, view: viewOf(state, name, alias) }
    },
    async deleteAlias(name, alias, { force, precondition }) {
      await registry.transact('api', state =>
        planDeleteAlias(state, { function: name, alias, force, ...conditionOf(precondition) }),
      )
    },
    async startRollout(name, alias, rollout, precondition) {
      const id = randomUUID()
      const state = await registry.transact('api', current =>
        planStartRollout(
          current,
          { function: name, alias, id, nowMs: Date.now(), ...rollout, ...conditionOf(precondition) },
          weightsAt,
        ),
      )
      return viewOf(state, name, alias)
    },
    async abortRollout(name, alias, { restore, precondition }) {
      const state = await registry.transact('api', current =>
        planEndRollout(current, {
          function: name,
          alias,
          restore,
          reason: 'aborted by hand',
          nowMs: Date.now(),
          ...conditionOf(precondition),
        }),
      )
      return viewOf(state, name, alias)
    },
    async shadowReport(name, alias) {
      aliasNamed(registry.state, name, alias)
      const running = shadows.of(name, alias)
      if (running === undefined)
        throw new SluiceError('SLUICE_API_NOT_FOUND', `the alias ${name}@${alias} has no shadow version that runs`)
      const { version, percent } = running.target
      return Promise.resolve({ function: name, alias, version, percent, ...running.shadow.report() })
    },
  }
}

function aliasNamed(state: RegistryState, name: string, alias: string): AliasRecord {
  const found = functionNamed(state, name).aliases.get(alias)
  if (found === undefined) throw new SluiceError('SLUICE_API_NOT_FOUND', `function ${name} has no alias ${alias}`)
  return found
}
