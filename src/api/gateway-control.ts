import type { AliasControl } from './alias-control.ts'
import type { DeadLetterControl } from './dead-letter-control.ts'
import type { FunctionControl } from './function-control.ts'
import type { InvocationControl } from './invocation-control.ts'
import type { ObservationControl } from './observation-control.ts'
import type { OverviewControl } from './overview-control.ts'
import type { PauseControl } from './pause-control.ts'
import type { RecentEventsControl } from './recent-events-control.ts'
import type { RedriveControl } from './redrive-control.ts'
import type { ScalingControl } from './scaling-control.ts'
import type { TriggerControl } from './trigger-control.ts'
import type { WhyControl } from './why-control.ts'
import type { GatewayHealth, SinkView, SourceView, StreamView } from './views/gateway-view.ts'

/**
 * What the API asks of the gateway. The API owns this interface and the gateway implements it, so that routes know no
 * stage. Views are plain JSON; times are ms since the epoch unless their name says otherwise. An error whose
 * `details.retryAfterS` is a number says when to come again.
 */
export interface GatewayControl
  extends
    FunctionControl,
    AliasControl,
    TriggerControl,
    PauseControl,
    DeadLetterControl,
    RedriveControl,
    InvocationControl,
    ObservationControl,
    ScalingControl,
    WhyControl,
    RecentEventsControl,
    OverviewControl,
    StageControl {}

/** The stages and the process as a whole. */
export interface StageControl {
  sources(): Promise<readonly SourceView[]>
  streams(): Promise<readonly StreamView[]>
  sinks(): Promise<readonly SinkView[]>
  /** Cheap; never waits for the outside. */
  health(): GatewayHealth
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
}
