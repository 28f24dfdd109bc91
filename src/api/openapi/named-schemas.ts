import type { TSchema } from 'typebox'
import { functionDefinitionSchema } from '../../config/sections/function-definition.ts'
import { triggerSchema } from '../../config/sections/trigger.ts'
import { AttributeConditionSchema, DataConditionSchema, SimpleFilterSchema } from '../../events/filter-schema.ts'
import { codeSchema } from '../code-upload.ts'
import { publicationSchema } from '../routes/version-routes.ts'
import { aliasView, rolloutView, shadowReport, shadowTargetView, weightedVersionView } from '../views/alias-view.ts'
import { deadLetterDeletion, deadLetterPage, deadLetterView } from '../views/dead-letter-view.ts'
import { functionSummary, functionView, poolView } from '../views/function-view.ts'
import { gatewayHealth, sinkView, sourceView, streamView } from '../views/gateway-view.ts'
import { acceptedInvocation, loggedInvocation } from '../views/invocation-view.ts'
import { deletionView, leaseView } from '../views/lifetime-view.ts'
import { logLineView, logPage } from '../views/log-view.ts'
import { pauseEntry } from '../views/pause-view.ts'
import { problemView } from '../views/problem-view.ts'
import {
  externalMetricView,
  scaledVersionView,
  scalingDecisionView,
  scalingInputsView,
  scalingPointView,
  scalingSeriesView,
  scalingView,
} from '../views/scaling-view.ts'
import { redrivePlan, redriveView } from '../views/redrive-view.ts'
import { dropView } from '../views/drop-view.ts'
import { seekView } from '../views/seek-view.ts'
import { statsSampleView, statsView, versionStatsView } from '../views/stats-view.ts'
import { triggerView } from '../views/trigger-view.ts'
import { whyAnswer, whyEvent, whyFacts, whyView } from '../views/why-view.ts'
import { codeContentView, codeView, versionSummary, versionView } from '../views/version-view.ts'

/** Schemas that have a name in the OpenAPI document. */
export const namedSchemas: Readonly<Record<string, TSchema>> = {
  AcceptedInvocation: acceptedInvocation,
  Alias: aliasView,
  AttributeCondition: AttributeConditionSchema,
  Code: codeView,
  CodeContent: codeContentView,
  CodeUpload: codeSchema,
  DataCondition: DataConditionSchema,
  DeadLetter: deadLetterView,
  DeadLetterDeletion: deadLetterDeletion,
  DeadLetterPage: deadLetterPage,
  Deletion: deletionView,
  ExternalMetric: externalMetricView,
  Filter: triggerSchema.properties.filter,
  Function: functionView,
  FunctionDefinition: functionDefinitionSchema,
  FunctionSummary: functionSummary,
  Health: gatewayHealth,
  Lease: leaseView,
  LogLine: logLineView,
  LogPage: logPage,
  LoggedInvocation: loggedInvocation,
  Pause: pauseEntry,
  Problem: problemView,
  Publication: publicationSchema,
  Redrive: redriveView,
  RedrivePlan: redrivePlan,
  Rollout: rolloutView,
  ScaledVersion: scaledVersionView,
  Scaling: scalingView,
  ScalingDecision: scalingDecisionView,
  ScalingInputs: scalingInputsView,
  ScalingPoint: scalingPointView,
  ScalingSeries: scalingSeriesView,
  Drop: dropView,
  Seek: seekView,
  ShadowReport: shadowReport,
  ShadowTarget: shadowTargetView,
  SimpleFilter: SimpleFilterSchema,
  Sink: sinkView,
  Source: sourceView,
  Stats: statsView,
  StatsSample: statsSampleView,
  Stream: streamView,
  Trigger: triggerView,
  TriggerDefinition: triggerSchema,
  Version: versionView,
  VersionStats: versionStatsView,
  VersionSummary: versionSummary,
  WeightedVersion: weightedVersionView,
  Why: whyView,
  WhyAnswer: whyAnswer,
  WhyEvent: whyEvent,
  WhyFacts: whyFacts,
  WorkerPool: poolView,
}
