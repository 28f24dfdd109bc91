/** How a state is shown: by its word, and by a colour beside it. */
const tones: Readonly<Record<string, 'good' | 'busy' | 'warning' | 'bad' | 'quiet'>> = {
  running: 'good',
  ready: 'good',
  delivered: 'good',
  succeeded: 'good',
  done: 'good',
  completed: 'good',
  starting: 'busy',
  pausing: 'busy',
  probing: 'busy',
  draining: 'busy',
  next: 'busy',
  'retry-waits': 'warning',
  paused: 'warning',
  parked: 'warning',
  impaired: 'bad',
  stopped: 'bad',
  quarantined: 'bad',
  failed: 'bad',
  'dead-letter': 'bad',
  'not ready': 'bad',
  critical: 'bad',
  warning: 'warning',
  notice: 'busy',
  error: 'bad',
  warn: 'warning',
  disabled: 'quiet',
  closed: 'quiet',
  filtered: 'quiet',
}

export const toneOf = (state: string): string => tones[state] ?? 'quiet'

export function Badge({ state }: { readonly state: string }) {
  return <span class={`badge ${toneOf(state)}`}>{state}</span>
}
