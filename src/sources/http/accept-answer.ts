import type { Acceptance, IncomingEvent } from '../source.ts'

/** Events of a batch that are listed one by one; the counts are always complete. */
const MAX_LISTED = 100

export interface AcceptAnswer {
  /** 202 when something new is durable, 200 when all of it was known before. */
  readonly status: 200 | 202
  readonly body: string
}

/** The answer to a request whose events are all durable. */
export function acceptAnswer(
  events: readonly IncomingEvent[],
  accepted: readonly Acceptance[],
  isBatch: boolean,
): AcceptAnswer {
  if (!isBatch && events.length === 1) {
    const { duplicate } = accepted[0]!
    return { status: duplicate ? 200 : 202, body: describe(events[0]!, accepted[0]!) }
  }
  let duplicates = 0
  for (const { duplicate } of accepted) if (duplicate) duplicates++
  const listed = accepted.slice(0, MAX_LISTED).map((acceptance, index) => describe(events[index]!, acceptance))
  const head = `"accepted":${accepted.length - duplicates},"duplicates":${duplicates}`
  const more = accepted.length > MAX_LISTED ? `,"unlisted":${accepted.length - MAX_LISTED}` : ''
  return {
    status: duplicates === accepted.length && duplicates > 0 ? 200 : 202,
    body: `{${head},"events":[${listed.join(',')}]${more}}`,
  }
}

function describe({ header }: IncomingEvent, { partition, offset, duplicate }: Acceptance): string {
  const place = `{"id":${JSON.stringify(header.id)},"partition":${partition},"offset":${offset}`
  return duplicate ? `${place},"duplicate":true}` : `${place}}`
}
