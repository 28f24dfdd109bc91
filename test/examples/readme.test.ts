import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readManifests } from '../../src/cli/manifest/read-manifests.ts'
import { loadConfig } from '../../src/config/load-config.ts'
import { exampleFile } from './example-gateway.ts'

const root = resolve(import.meta.dirname, '../..')
const folders = readdirSync(join(root, 'examples'), { withFileTypes: true }).flatMap(entry =>
  entry.isDirectory() ? [entry.name] : [],
)
const deployed = folders.filter(name => existsSync(exampleFile(name, 'gateway.yaml')))
const read = (...path: string[]): string => readFileSync(join(root, 'examples', ...path), 'utf8')

describe('the table of the examples', () => {
  it('has every folder', () => {
    for (const name of folders) expect(read('README.md')).toContain(`[${name}](${name})`)
  })
})

describe.each(deployed)('the README of %s', name => {
  const text = read(name, 'README.md')

  it('starts its gateway and applies its manifest', () => {
    expect(text).toContain(`npx sluice start --config examples/${name}/gateway.yaml &`)
    expect(text).toContain(`npx sluice apply -f examples/${name}/sluice.yaml --yes`)
  })

  it('names files that are there', () => {
    const named = [...text.matchAll(/examples\/[\w./-]*\w/g)].map(([path]) => path)
    const linked = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, path]) => `examples/${name}/${path}`)
    for (const path of [...named, ...linked]) expect(existsSync(join(root, path)), path).toBe(true)
  })
})

describe.each(deployed)('%s', name => {
  const config = loadConfig(exampleFile(name, 'gateway.yaml'), { environment: {} })
  const { functions, triggers } = readManifests([exampleFile(name, 'sluice.yaml')], {})

  it('listens where its README says, and keeps its data in its folder', () => {
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 8080 })
    expect(config.mqtt).toMatchObject({ host: '127.0.0.1', port: 1883 })
    expect(config.dataDir).toBe(exampleFile(name, 'data'))
  })

  it('has triggers that name what is there', () => {
    for (const { definition } of triggers.values()) {
      expect([...functions.keys()]).toContain(definition.function.split('@')[0])
      expect([...config.streams.keys()]).toContain(definition.stream)
      for (const sink of definition.sinks) expect([...config.sinks.keys()]).toContain(sink)
    }
  })

  it('has a test', () => {
    expect(existsSync(join(import.meta.dirname, `${name}.test.ts`))).toBe(true)
  })
})
