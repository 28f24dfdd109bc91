import type { RecentEventPage } from '../../src/api/views/recent-event-view.ts'

const acceptedAtMs = Date.UTC(2026, 2, 1, 14, 2, 0)

/** An event that failed once, was parked, then succeeded; its result went to two sinks, of which one took two attempts. */
export const recentEventsOf = (trigger: string): RecentEventPage => ({
  atMs: Date.UTC(2026, 2, 1, 14, 3, 0),
  items: [
    {
      stream: 'orders',
      partition: 3,
      offset: 4711,
      id: '42',
      source: '/shop',
      type: 'com.example.order.created',
      key: 'c7',
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      acceptedAtMs,
      dataBytes: 120,
      triggers: [
        {
          trigger,
          functionRef: 'price@live',
          state: 'done',
          sentence: `${trigger}: event 42 of key c7 (orders/3, offset 4711) is done`,
          next: null,
          waitedMs: 12,
          attempts: [
            {
              attempt: 1,
              version: 'price@3',
              startedAtMs: acceptedAtMs + 12,
              durationMs: 30.5,
              outcome: 'failed',
              reason: 'error',
              error: 'Error: no price for c7',
            },
            {
              attempt: 2,
              version: 'price@4',
              startedAtMs: acceptedAtMs + 2_043,
              durationMs: 8.25,
              outcome: 'succeeded',
              traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
            },
          ],
          results: 1,
          result: [
            {
              contentType: 'application/json',
              meta: { type: 'com.example.order.priced' },
              dataBytes: 14,
              crc32: 7,
              text: '{"price":12.5}',
            },
          ],
          sinks: [
            {
              sink: 'priced',
              outcome: 'delivered',
              attempts: 1,
              startedAtMs: acceptedAtMs + 2_052,
              durationMs: 3,
            },
            {
              sink: 'crm',
              outcome: 'delivered',
              attempts: 2,
              startedAtMs: acceptedAtMs + 2_055,
              durationMs: 260,
            },
          ],
          parkedAtMs: acceptedAtMs + 1_050,
          finishedAtMs: acceptedAtMs + 2_315,
          recorded: true,
        },
      ],
    },
  ],
  next: null,
  incomplete: null,
})
