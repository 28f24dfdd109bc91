import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { attribute } from '../../src/telemetry/attributes.ts'

const src = join(import.meta.dirname, '../../src')
const home = join('telemetry', 'attributes.ts')

/** Names that only spans have: whatever begins so is an attribute, known or not. */
const families = /^(messaging|faas|cloudevents)\.[a-z_.]+$/
const known: ReadonlySet<string> = new Set(Object.values(attribute))

/** The texts in quotes that name an attribute. */
function literalsOf(text: string): string[] {
  return [...text.matchAll(/(['"`])([a-z][a-z_]*(?:\.[a-z_]+)+)\1/g)]
    .map(match => match[2] ?? '')
    .filter(literal => families.test(literal) || known.has(literal))
}

it('no other file spells the name of an attribute', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(file => /\.m?[jt]s$/.test(file))
  expect(files).toContain(home)
  const found = files
    .filter(file => file !== home)
    .flatMap(file => literalsOf(readFileSync(join(src, file), 'utf8')).map(literal => `${file}: ${literal}`))
  expect(found).toEqual([])
})

it('the search finds one where there is one', () => {
  const planted = `span.end({ 'messaging.new.name': 1, [\`faas.name\`]: 2, "sluice.trigger": 3, 'sluice.invocation': 4 })`
  expect(literalsOf(planted)).toEqual(['messaging.new.name', 'faas.name', 'sluice.trigger'])
})

it('names are those of the conventions, each once, and our own stand below sluice', () => {
  const names = Object.values(attribute)
  expect(new Set(names).size).toBe(names.length)
  for (const name of names)
    expect(name).toMatch(/^(messaging|kafka|faas|cloudevents|http|server|error|sluice)\.[a-z_.]+$/)
  // Deprecated, each with its successor in the table.
  for (const old of ['messaging.system', 'messaging.operation', 'faas.invocation_id']) expect(names).not.toContain(old)
})
