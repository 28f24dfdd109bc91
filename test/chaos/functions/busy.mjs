// Computes for COMPUTE_MS and waits for WAIT_MS: as much as an event says, or as the environment says.
import { setTimeout as delay } from 'node:timers/promises'

let computeMs
let waitMs

export function init({ env }) {
  computeMs = Number(env.COMPUTE_MS ?? 0)
  waitMs = Number(env.WAIT_MS ?? 0)
}

export default async function handler(event) {
  const { act } = event.data
  if (act === 'loop') for (;;);
  for (const endMs = performance.now() + computeMs; performance.now() < endMs;);
  if (waitMs > 0) await delay(waitMs)
}
