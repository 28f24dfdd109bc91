import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { editorSchema } from '../../src/config/editor-schema.ts'

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(editorSchema())

describe('the JSON Schema for editors', () => {
  it('is what config/sluice.schema.json holds; run `npm run schema` after a change', () => {
    expect(JSON.parse(readFileSync('config/sluice.schema.json', 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(editorSchema())),
    )
  })

  it('accepts the shipped configuration, which names it in its first line', () => {
    const text = readFileSync('config/standalone.yaml', 'utf8')
    expect(text.split('\n', 1)[0]).toBe('# yaml-language-server: $schema=./sluice.schema.json')
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true)
  })

  it.each([
    ['a number from the environment', { http: { port: '${PORT:-1}' } }, true],
    ['a choice from the environment', { logging: { level: '${LEVEL}' } }, true],
    ['a text where a number belongs', { http: { port: 'x' } }, false],
    ['an unknown field', { htp: {} }, false],
    ['a name that is none', { sources: { 'A b': { type: 'http', path: '/x' } } }, false],
    ['a missing field', { sources: { a: { type: 'http' } } }, false],
    ['fields that have defaults', { functions: { a: { file: 'a.js' } } }, true],
  ])('%s', (_what, value, expected) => {
    expect(validate(value)).toBe(expected)
  })
})
