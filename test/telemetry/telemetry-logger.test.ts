import { expect, it } from 'vitest'
import { describeFailure, throttled } from '../../src/telemetry/telemetry-logger.ts'

it('says the same thing once a minute, with the number of times it was left out', () => {
  let time = 0
  const said: [object, string][] = []
  const logger = throttled({ warn: (facts, message) => void said.push([facts, message]) }, () => time)
  for (; time < 60_000; time += 1_000) logger.warn({ at: time }, 'down')
  logger.warn({}, 'other')
  logger.warn({ at: time }, 'down')
  expect(said).toEqual([
    [{ at: 0 }, 'down'],
    [{}, 'other'],
    [{ at: 60_000, suppressed: 59 }, 'down'],
  ])
})

it('describes a failed connection, whose error has no message of its own', () => {
  const refused = (port: number) =>
    Object.assign(new Error(`connect ECONNREFUSED ::1:${port}`), { code: 'ECONNREFUSED' })
  expect(describeFailure(new AggregateError([refused(1), refused(2)], ''))).toBe(
    'connect ECONNREFUSED ::1:1; connect ECONNREFUSED ::1:2',
  )
  expect(describeFailure(Object.assign(new Error(''), { code: 'EPIPE' }))).toBe('EPIPE')
  expect(describeFailure('text')).toBe('text')
})
