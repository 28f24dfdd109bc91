import fc from 'fast-check'

/** What may be paused. */
export const scopes = ['trigger', 'key k0', 'key k1', 'partition 0', 'version'] as const
export type ScopeName = (typeof scopes)[number]

export const keyCount = 3

/** One step of a sequence. A step that cannot be done, such as to end a handler when none runs, does nothing. */
export type Command =
  /** One event for each of these keys, accepted together. */
  | { readonly do: 'append'; readonly keys: readonly number[] }
  /** Virtual time passes. */
  | { readonly do: 'wait'; readonly ms: number }
  /** One of the handlers that run ends. `hang`: it never does; `untold`: the worker dies when the work is done. */
  | { readonly do: 'end'; readonly which: number; readonly how: 'done' | 'throw' | 'hang' | 'untold' }
  | { readonly do: 'pause' | 'resume'; readonly scope: ScopeName }
  | { readonly do: 'crash'; readonly how: 'kill' | 'power' }
  | { readonly do: 'stop'; readonly drainMs: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      keys: fc.uniqueArray(fc.nat(keyCount - 1), { minLength: 1, maxLength: keyCount }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 40, 1_300, 9_000) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(5),
      how: fc.constantFrom('done', 'done', 'done', 'throw', 'throw', 'hang', 'untold'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('pause' as const, 'resume' as const),
      scope: fc.constantFrom(...scopes),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const), how: fc.constantFrom('kill', 'power') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), drainMs: fc.constantFrom(0, 30_000) }) },
)

/** Sequences that shrink: commands are left out, and what is left becomes smaller. */
export const sequences: fc.Arbitrary<readonly Command[]> = fc.array(command, { minLength: 1, maxLength: 25 })
