import Type from 'typebox'
import { functionDefinitionSchema } from '../../config/sections/function-definition.ts'
import { aliasView, weightedVersionView } from './alias-view.ts'
import { codeView, versionSummary, versionView } from './version-view.ts'
import { count, detail, known, measured, oneOf, revision, timeMs, type View } from './view-schema.ts'

/** The worker pool of one version that runs, or the pool of a version that it replaces and that still drains. */
export const poolView = Type.Object({
  name: Type.String({ description: 'Of the function.' }),
  version: Type.String({ description: '`latest` or a published number.' }),
  hash: Type.String(),
  state: oneOf(['starting', 'ready', 'draining', 'quarantined', 'closed']),
  timeoutMs: count(),
  concurrency: count(),
  minWorkers: count(),
  maxWorkers: count(),
  workers: count('Threads alive.'),
  busy: count('Threads at work.'),
  succeeded: count(),
  failed: count(),
  coldStarts: count(),
  killed: count(),
  serviceTimeMs: measured('Smoothed time of one event in ms.'),
  detail,
})

const functionFields = {
  name: Type.String(),
  description: Type.String({ description: "Of latest; '' for none." }),
  labels: Type.Record(Type.String(), Type.String(), { description: 'Of latest.' }),
  enabled: Type.Boolean({ description: 'false: it is not fed; its events wait.' }),
  managedBy: oneOf(['api', 'config'], 'config: only the configuration file changes it.'),
  latestHash: Type.String({ description: 'SHA-256 over code and definition of latest.' }),
  latestPublishedAs: known('The newest published version with the content of latest; null: none has it.'),
  versionCount: count('Published versions that are kept.'),
  lastVersion: count('Highest number that was ever published; 0: none.'),
  expiresAtMs: known('Deleted at this time unless it is renewed; null: kept.'),
  revision,
  createdAtMs: timeMs(),
  updatedAtMs: timeMs(),
  running: Type.Array(poolView, { description: 'Worker pools of the versions that run now.' }),
  detail,
}

/** A function in a list. */
export const functionSummary = Type.Object({
  ...functionFields,
  aliases: Type.Array(Type.Object({ name: Type.String(), weights: Type.Array(weightedVersionView) })),
})

/** A function: everything but its code. */
export const functionView = Type.Object({
  ...functionFields,
  definition: functionDefinitionSchema,
  code: codeView,
  versions: Type.Array(versionSummary, { description: 'Newest first.' }),
  aliases: Type.Array(aliasView),
  triggers: Type.Array(
    Type.Object({
      name: Type.String(),
      functionRef: Type.String({ description: 'Such as price, price@3 or price@live.' }),
    }),
    { description: 'Those that run it.' },
  ),
  published: Type.Optional(versionView),
})

export type PoolView = View<typeof poolView>
export type FunctionSummary = View<typeof functionSummary>
export type FunctionView = View<typeof functionView>
