import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { functionOfFile, functionOfManifest } from '../../../src/cli/manifest/find-function.ts'
import { readManifests } from '../../../src/cli/manifest/read-manifests.ts'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'

let project: ProjectFolder
beforeEach(() => {
  project = createProjectFolder()
  project.file('index.ts', 'export default () => 1')
})
afterEach(() => project.remove())

function problemsOf(read: () => unknown): string {
  try {
    read()
  } catch (error) {
    if (error instanceof SluiceError) return error.message.replaceAll(`${project.path}/`, '')
    throw error
  }
  throw new Error('nothing is wrong')
}

describe('readManifests', () => {
  it('reads functions and triggers with their defaults, and the environment', () => {
    const file = project.file(
      'shop.yaml',
      `functions:
  price:
    file: index.ts
    timeoutMs: \${TIMEOUT}
    publish: true
    aliases: { live: latest-published, old: 3, split: { "3": 90, latest-published: 10 } }
triggers:
  price-orders: { stream: orders, function: price@live }
`,
    )
    const { functions, triggers, names, place } = readManifests([file], { TIMEOUT: '7000' })
    expect(names).toEqual(['shop'])
    expect(functions.get('price')).toMatchObject({
      entry: join(project.path, 'index.ts'),
      directory: project.path,
      definition: { timeoutMs: 7000, handler: 'default', retry: { maxAttempts: 5 } },
      publish: { description: '', labels: {} },
      manifest: 'shop',
    })
    expect(functions.get('price')?.definition).not.toHaveProperty('file')
    expect([...(functions.get('price')?.aliases ?? [])]).toEqual([
      ['live', 'latest-published'],
      ['old', 3],
      ['split', { '3': 90, 'latest-published': 10 }],
    ])
    expect(triggers.get('price-orders')?.definition).toMatchObject({ ordering: 'key', start: 'earliest', sinks: [] })
    expect(place('triggers', 'price-orders', 'stream')).toBe(`${file}:8:27`)
  })

  it('tells all problems of all files at once, where they stand', () => {
    project.file('a.yaml', 'functions:\n  price: { file: nope.ts, aliases: { live: { "1": 50 } } }\n')
    project.file(
      'b.yaml',
      'functions:\n  Bad_Name: { file: index.ts }\n  tax: { file: index.ts, timeoutMs: soon, scaling: { minWorkers: 3, maxWorkers: 2 } }\ntrigers: {}\n',
    )
    project.file('c.yaml', 'functions:\n  audit: { file: index.ts }\n')
    project.file('d/sluice.yaml', 'functions:\n  audit: { file: ../index.ts }\n')
    project.file('d/other.yaml', 'not: looked at')
    project.file('node_modules/x/sluice.yaml', 'not: looked at')
    expect(problemsOf(() => readManifests([project.path], {})).split('\n')).toEqual([
      '6 problems in the manifest:',
      'a.yaml:2:18: functions.price.file: there is no file nope.ts',
      'a.yaml:2:38: functions.price.aliases.live: the weights add up to 50, not to 100',
      'b.yaml:2:3: functions.Bad_Name: the name must match ^[a-z0-9][a-z0-9-]{0,62}$',
      'b.yaml:3:37: functions.tax.timeoutMs: must be an integer from 10 to 3600000, not a text',
      "b.yaml:4:1: trigers: there is no such field; did you mean 'triggers'?",
      'd/sluice.yaml:2:3: functions.audit: stands in c.yaml:2, too',
    ])
  })

  it('says so when it is given the configuration of a gateway', () => {
    const file = project.file('sluice.yaml', 'http: { port: 8080 }\nfunctions: {}\n')
    expect(problemsOf(() => readManifests([file], {}))).toContain('this is the configuration of a gateway')
  })

  it.each([
    ['is not there', 'nope.yaml', 'there is no file or folder nope.yaml'],
    ['has no YAML', 'empty', 'empty has no YAML file, and no folder below it a sluice.yaml'],
  ])('says so of a path that %s', (_what, name, expected) => {
    project.file('empty/readme.txt', '')
    expect(problemsOf(() => readManifests([join(project.path, name)], {}))).toBe(expected)
  })

  it('takes names that objects have, too', () => {
    const file = project.file('x.yaml', 'functions:\n  constructor: { file: index.ts }\n')
    expect([...readManifests([file], {}).functions.keys()]).toEqual(['constructor'])
  })
})

describe('the function that a command is about', () => {
  it('is the only one of the manifest, or the one that is named', () => {
    const one = project.file('one.yaml', 'functions: { price: { file: index.ts } }')
    expect(functionOfManifest(one, undefined, {}).name).toBe('price')
    const two = project.file('two.yaml', 'functions: { price: { file: index.ts }, tax: { file: index.ts } }')
    expect(functionOfManifest(two, 'tax', {}).name).toBe('tax')
    expect(problemsOf(() => functionOfManifest(two, undefined, {}))).toContain(
      'several functions, say which: price, tax',
    )
    expect(problemsOf(() => functionOfManifest(two, 'prize', {}))).toContain("did you mean 'price'?")
    expect(problemsOf(() => functionOfManifest(join(project.path, 'no.yaml'), undefined, {}))).toContain('sluice init')
  })

  it('is that of the manifest above a file, or one that is named after it', () => {
    const entry = project.file('src/price-check.ts', 'export default () => 1')
    project.file('package.json', '{}')
    expect(functionOfFile(entry, undefined, {})).toMatchObject({ name: 'price-check', definition: undefined })
    project.file('sluice.yaml', 'functions: { price: { file: src/price-check.ts, timeoutMs: 99 } }')
    expect(functionOfFile(entry, undefined, {})).toMatchObject({ name: 'price', definition: { timeoutMs: 99 } })
    expect(functionOfFile(entry, 'other', {})).toMatchObject({ name: 'other', definition: undefined })
    expect(functionOfFile(project.file('billing/index.ts', ''), undefined, {}).name).toBe('billing')
  })
})
