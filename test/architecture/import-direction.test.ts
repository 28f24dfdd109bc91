import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

interface Cruise {
  readonly summary: {
    readonly totalCruised: number
    readonly violations: readonly {
      readonly from: string
      readonly to: string
      readonly rule: { readonly name: string }
    }[]
  }
}

function cruise(root: string): Cruise {
  const program = resolve('node_modules/dependency-cruiser/bin/dependency-cruiser.mjs')
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [program, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'],
    { cwd: root, encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 },
  )
  if (stdout === '') throw new Error(`dependency-cruiser said nothing: ${stderr}`)
  return JSON.parse(stdout) as Cruise
}

const violationsOf = ({ summary }: Cruise): string[] =>
  summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`)

describe('imports', () => {
  it('flow with the data, without cycles, and heavy libraries have one importer', () => {
    const result = cruise('.')
    expect(violationsOf(result)).toEqual([])
    // A checker that sees no modules finds no violations either.
    expect(result.summary.totalCruised).toBeGreaterThan(100)
  })
})

describe('the checker', () => {
  let root: string
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-architecture-'))
    for (const file of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json'])
      copyFileSync(file, join(root, file))
    symlinkSync(resolve('node_modules'), join(root, 'node_modules'))
    const planted: Record<string, string> = {
      'src/errors/table.ts': "import '../sinks/sink.ts'",
      'src/log/log.ts': "import type { C } from '../config/config.ts'\nexport type L = C",
      'src/config/config.ts': 'export type C = 1',
      'src/sinks/sink.ts': "import '../workers/pool.ts'",
      'src/workers/pool.ts': "import { Kafka } from 'kafkajs'\nexport const k = Kafka",
      'src/dispatch/a.ts': "import { b } from './b.ts'\nexport const a = () => b",
      'src/dispatch/b.ts': "import { a } from './a.ts'\nexport const b = () => a",
      'src/api/route.ts': "import '../dispatch/a.ts'",
      'src/cli/command.ts': "import '../dispatch/b.ts'\nimport { v } from '../api/views.ts'\nexport const w = v",
      'src/api/views.ts': 'export const v = 1',
      'src/sources/source.ts': "import 'node:sqlite'\nimport '../gateway.ts'",
      'src/gateway.ts': "import './main.ts'",
      'src/main.ts': "import 'prettier'\nimport './none.ts'",
    }
    for (const [file, text] of Object.entries(planted)) {
      mkdirSync(dirname(join(root, file)), { recursive: true })
      writeFileSync(join(root, file), `${text}\n`)
    }
  })
  afterAll(() => rmSync(root, { recursive: true }))

  it('reports every planted violation', () => {
    const violations = violationsOf(cruise(root))
    for (const expected of [
      'foundation-errors: src/errors/table.ts → src/sinks/sink.ts',
      'foundation-log: src/log/log.ts → src/config/config.ts',
      'journey-sinks: src/sinks/sink.ts → src/workers/pool.ts',
      'edge-api: src/api/route.ts → src/dispatch/a.ts',
      'edge-cli: src/cli/command.ts → src/dispatch/b.ts',
      'edge-cli-types: src/cli/command.ts → src/api/views.ts',
      'nobody-imports-the-gateway: src/sources/source.ts → src/gateway.ts',
      'nobody-imports-the-edges: src/gateway.ts → src/main.ts',
    ]) {
      expect(violations).toContain(expected)
    }
    const rules = new Set(violations.map(violation => violation.split(':', 1)[0]))
    for (const rule of ['library-kafkajs', 'library-sqlite', 'no-cycle', 'no-dev-dependency', 'no-unresolvable']) {
      expect(rules).toContain(rule)
    }
  })
})
