import type { ApiRoute } from './api-route.ts'
import { aliasRoutes } from './routes/alias-routes.ts'
import { deadLetterRoutes } from './routes/dead-letter-routes.ts'
import { functionRoutes } from './routes/function-routes.ts'
import { invocationRoutes } from './routes/invocation-routes.ts'
import { liveRoutes } from './routes/live-routes.ts'
import { observationRoutes } from './routes/observation-routes.ts'
import { pauseRoutes } from './routes/pause-routes.ts'
import { recentEventRoutes } from './routes/recent-event-routes.ts'
import { redriveRoutes } from './routes/redrive-routes.ts'
import { scalingRoutes } from './routes/scaling-routes.ts'
import { stageRoutes } from './routes/stage-routes.ts'
import { triggerRoutes } from './routes/trigger-routes.ts'
import { versionRoutes } from './routes/version-routes.ts'
import { whyRoutes } from './routes/why-routes.ts'

/** Every operation below /v1. */
export const apiRoutes: readonly ApiRoute[] = [
  ...functionRoutes,
  ...versionRoutes,
  ...aliasRoutes,
  ...invocationRoutes,
  ...observationRoutes,
  ...triggerRoutes,
  ...pauseRoutes,
  ...deadLetterRoutes,
  ...redriveRoutes,
  ...scalingRoutes,
  ...whyRoutes,
  ...recentEventRoutes,
  ...stageRoutes,
  ...liveRoutes,
]
