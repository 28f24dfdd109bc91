import Type from 'typebox'
import { count, known, nullable, oneOf, revision, timeMs, type View } from './view-schema.ts'

export const weightedVersionView = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  weight: Type.Number({ minimum: 0, maximum: 100, description: 'Share in percent.' }),
})

export const shadowTargetView = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    percent: Type.Number({ minimum: 1, maximum: 100, description: 'Share of the events that is copied.' }),
  },
  { description: 'Gets copies of the events; its results are suppressed.' },
)

export const rolloutView = Type.Object({
  id: Type.String(),
  state: oneOf(['running', 'completed', 'rolled-back', 'aborted']),
  from: Type.Array(weightedVersionView, { description: 'Weights before it began; what going back restores.' }),
  to: Type.Integer({ minimum: 1 }),
  steps: Type.Array(Type.Number(), { description: 'Weights of the new version, ascending.' }),
  stepMs: count(),
  bounds: Type.Object({
    maxErrorRate: Type.Optional(Type.Number()),
    maxP95Ms: Type.Optional(Type.Number()),
    maxP95Ratio: Type.Optional(Type.Number()),
    minInvocations: count(),
  }),
  step: count('Index of the step that is in force.'),
  stepSinceMs: timeMs(),
  startedAtMs: timeMs(),
  endedAtMs: known('ms since the epoch; null while it runs.'),
  reason: nullable(Type.String(), 'Why it ended, or what it waits for.'),
})

export const aliasView = Type.Object({
  function: Type.String(),
  name: Type.String(),
  description: Type.String(),
  weights: Type.Array(weightedVersionView),
  shadow: nullable(shadowTargetView),
  rollout: nullable(rolloutView, 'The last one, running or ended.'),
  problems: Type.Array(Type.String(), { description: 'Such as: version 3 is deleted. Empty: it serves.' }),
  revision,
  createdAtMs: timeMs(),
  updatedAtMs: timeMs(),
})

/** Where results of the shadow version differ from those that count. */
export const shadowReport = Type.Object({
  function: Type.String(),
  alias: Type.String(),
  version: Type.Integer({ minimum: 1 }),
  percent: Type.Number(),
  compared: count('Events that both versions have run.'),
  same: count(),
  different: count('Both succeeded, with different results.'),
  failedOnlyInShadow: count(),
  failedOnlyInReal: count(),
  dropped: count('Copies that were not run, because the shadow version had no room for them.'),
  examples: Type.Array(
    Type.Object({
      eventId: Type.String(),
      key: Type.String(),
      difference: Type.String({ description: 'In words.' }),
      real: Type.Unknown({ description: 'What the real version made of it.' }),
      shadow: Type.Unknown({ description: 'What the shadow version made of it.' }),
    }),
    { description: 'The newest differences.' },
  ),
})

export type WeightedVersionView = View<typeof weightedVersionView>
export type RolloutView = View<typeof rolloutView>
export type AliasView = View<typeof aliasView>
export type ShadowReport = View<typeof shadowReport>
