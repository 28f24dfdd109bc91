import type { GatewayControl } from '../api/gateway-control.ts'
import { createAliasControl } from './control/alias-control.ts'
import { createDeadLetterControl } from './control/dead-letter-control.ts'
import { createFunctionControl } from './control/function-control.ts'
import { createObservationControl } from './control/observation-control.ts'
import { createOverviewControl } from './control/overview-control.ts'
import { createPauseControl } from './control/pause-control.ts'
import { createRecentEventsControl } from './control/recent-events-control.ts'
import { createRedriveControl } from './control/redrive-control.ts'
import { createScalingControl } from './control/scaling-control.ts'
import { createStageControl } from './control/stage-control.ts'
import { createTriggerControl } from './control/trigger-control.ts'
import { createWhyControl } from './control/why-control.ts'
import type { GatewayView } from './gateway-view.ts'

/** The gateway as the API sees it. */
export function createControl(view: GatewayView): GatewayControl {
  const triggers = createTriggerControl(view)
  const scaling = createScalingControl(view)
  const stages = createStageControl(view)
  return {
    ...createFunctionControl(view),
    ...createAliasControl(view),
    ...triggers,
    ...createPauseControl(view),
    ...createDeadLetterControl(view),
    ...createRedriveControl(view),
    ...createObservationControl(view),
    ...scaling,
    ...createWhyControl(view),
    ...createRecentEventsControl(view),
    ...stages,
    ...createOverviewControl(view, { ...triggers, ...scaling, ...stages }),
    invoke: (name, request) => view.invoke.direct(name, request),
    invokeAsync: (name, request) => view.invoke.accept(name, request),
  }
}
