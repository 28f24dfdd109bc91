// The work of parallel-consumer's own benchmark: a wait of 0 to 5 ms, the same for the same event.
import { setTimeout as delay } from 'node:timers/promises'

export default event => delay(event.data.waitMs)
