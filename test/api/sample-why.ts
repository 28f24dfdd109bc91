import type { WhyView } from '../../src/api/views/why-view.ts'

/** An event that waits behind another one of its key, which is tried again at 14:02:10 UTC; asked 12 s before. */
export const whyViewOf = (trigger: string): WhyView => ({
  atMs: Date.UTC(2026, 2, 1, 14, 1, 58),
  events: [
    {
      stream: 'orders',
      partition: 3,
      offset: 4711,
      id: '42',
      source: '/shop',
      type: 'com.example.order.created',
      key: 'c7',
      acceptedAtMs: Date.UTC(2026, 2, 1, 14, 1, 28),
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      dataBytes: 120,
    },
  ],
  answers: [
    {
      trigger,
      functionRef: 'price@live',
      stream: 'orders',
      partition: 3,
      offset: 4711,
      key: 'c7',
      verdict: 'behind',
      sentence: `${trigger}: event 42 of key c7 (orders/3, offset 4711) waits behind offset 4708 of its key, whose attempt 3 of 5 is due at 2026-03-01T14:02:10Z (no price at 2026-03-01T10:00:00Z)`,
      next: null,
      facts: {
        ahead: 1,
        behind: {
          offset: 4708,
          state: 'retry-waits',
          attempt: 3,
          maxAttempts: 5,
          dueAtMs: Date.UTC(2026, 2, 1, 14, 2, 10),
          failure: { reason: 'error', message: 'no price at 2026-03-01T10:00:00Z' },
        },
      },
    },
  ],
  sources: [],
  searched: null,
})
