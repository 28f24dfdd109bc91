import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesTopicFilter, topicFilterProblem, TopicRoutes } from '../../../src/sources/mqtt/topic-filter.ts'

const level = fc.stringMatching(/^[a-z]{0,2}$/)
const levels = fc.array(level, { minLength: 1, maxLength: 5 })

describe('matchesTopicFilter', () => {
  it.each([
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+', 'a/b', true],
    ['a/+', 'a/', true],
    ['a/+', 'a', false],
    ['a/+', 'a/b/c', false],
    ['a/#', 'a', true],
    ['a/#', 'a/b/c', true],
    ['#', 'a/b', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['$SYS/#', '$SYS/x', true],
    ['+/+', '/a', true],
    ['+', '/a', false],
  ])('says of %s and %s: %s', (filter, topic, expected) => {
    expect(matchesTopicFilter(filter, topic)).toBe(expected)
  })

  it('matches every topic by itself, by + in place of any level and by # in place of any end', () => {
    fc.assert(
      fc.property(levels, fc.nat(), (parts, seed) => {
        const topic = parts.join('/')
        const at = seed % parts.length
        expect(matchesTopicFilter(topic, topic)).toBe(true)
        expect(matchesTopicFilter(parts.map((part, index) => (index === at ? '+' : part)).join('/'), topic)).toBe(true)
        expect(matchesTopicFilter([...parts.slice(0, at), '#'].join('/'), topic)).toBe(true)
        expect(matchesTopicFilter(`${topic}/x`, topic)).toBe(false)
      }),
    )
  })
})

describe('topicFilterProblem', () => {
  it.each([['a'], ['+'], ['#'], ['a/+/b/#'], ['/'], ['$share/g/a']])('accepts %s', filter => {
    expect(topicFilterProblem(filter)).toBeUndefined()
  })

  it.each([[''], ['a/#/b'], ['a#'], ['a+/b'], ['a\0'], ['x/'.repeat(200)]])('refuses %j', filter => {
    expect(topicFilterProblem(filter)).toBeTypeOf('string')
  })
})

describe('TopicRoutes', () => {
  it('finds each route once, forgets removed ones and does not grow without bound', () => {
    const routes = new TopicRoutes<string>()
    routes.add('a/#', 'one')
    routes.add('a/b', 'one')
    routes.add('#', 'two')
    expect(routes.match('a/b')).toEqual(['one', 'two'])
    routes.remove('one')
    expect(routes.match('a/b')).toEqual(['two'])
    for (let n = 0; n < 25_000; n++) routes.match(`t/${n}`)
    expect(routes.match('a/b')).toEqual(['two'])
  })
})
