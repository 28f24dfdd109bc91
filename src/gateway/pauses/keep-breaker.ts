import type { BreakerKeeper } from '../../dispatch/trigger-breaker.ts'
import type { PauseBoard } from './pause-board.ts'
import type { PauseScope } from './pause-scope.ts'

/**
 * Keeps what the circuit breaker of a trigger decides among the other pauses. Between the look at the board and the change of
 * it nothing else happens, and changes are durable in their order: a person's pause is never replaced or ended.
 */
export function keepBreaker(board: PauseBoard, uid: string): BreakerKeeper {
  const scope: PauseScope = { kind: 'trigger', trigger: uid }
  return {
    async opened(pause) {
      const known = board.of(scope)
      if (known !== undefined && known.failedProbes === undefined) return
      await board.pause(scope, pause, pause.sinceMs)
    },
    async closed() {
      if (board.of(scope)?.failedProbes !== undefined) await board.resume(scope)
    },
  }
}
