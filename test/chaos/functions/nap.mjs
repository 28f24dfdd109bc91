// Waits for up to 5 ms.
import { setTimeout as delay } from 'node:timers/promises'

export default () => delay(Math.random() * 5)
