import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { openEmbeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { encodeCommand } from '../../src/registry/command-codec.ts'
import { openLocalRegistry } from '../../src/registry/local-registry.ts'
import type { RegistryState } from '../../src/registry/registry-records.ts'
import { type BenchOptions, type BenchRow, median, rowOf } from '../bench-row.ts'
import { functions, thousandFunctions, versionsEach } from './thousand-functions.ts'

const versions = functions * (versionsEach + 1)

/** 1,000 functions with 10 versions each: opening the registry and listing them, beside parsing the same JSON. */
export async function run({ repetitions = 5 }: BenchOptions = {}): Promise<readonly BenchRow[]> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-bench-registry-'))
  try {
    const dir = join(root, 'registry')
    const commands = await writeCommands(join(dir, 'log'))
    const replay = await measureOpening(dir, repetitions, () => commands)
    // Closed once, it has a snapshot.
    const registry = await openLocalRegistry({ dir, onFatal })
    const list = measureListing(registry.state, repetitions)
    await registry.close()
    const snapshot = await measureOpening(dir, repetitions, () => snapshotLines(dir))
    return [
      openingRow('registry opened by replay of 11,000 commands', replay),
      openingRow('registry opened from a snapshot of 11,000 versions', snapshot),
      rowOf('a page of 100 of 1,000 functions', 'pages/s', list),
    ]
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

interface Opening {
  readonly oursMs: number
  readonly rawMs: number
}

/** Opens copies, because closing writes a snapshot. */
async function measureOpening(
  dir: string,
  repetitions: number,
  texts: () => readonly string[] | Promise<readonly string[]>,
): Promise<Opening[]> {
  const openings: Opening[] = []
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const copy = `${dir}-${repetition}`
    await cp(dir, copy, { recursive: true })
    const started = performance.now()
    const registry = await openLocalRegistry({
      dir: copy,
      onFatal,
      snapshotCommands: Infinity,
      snapshotBytes: Infinity,
    })
    const opened = performance.now()
    if (registry.state.functions.size !== functions) throw new Error('the registry lacks functions')
    await registry.close()
    await rm(copy, { recursive: true })
    const parsing = performance.now()
    for (const text of await texts()) JSON.parse(text)
    openings.push({ oursMs: opened - started, rawMs: performance.now() - parsing })
  }
  return openings
}

function openingRow(name: string, openings: readonly Opening[]): BenchRow {
  const pairs = openings.map(({ oursMs, rawMs }) => ({
    ours: versions / (oursMs / 1_000),
    raw: versions / (rawMs / 1_000),
  }))
  const ms = (pick: (opening: Opening) => number): number => Math.round(median(openings.map(pick)))
  return rowOf(name, 'versions/s', pairs, { ms: ms(({ oursMs }) => oursMs), rawMs: ms(({ rawMs }) => rawMs) })
}

/** Finding the page of an alphabetical list, beside writing its definitions as JSON, which an answer costs anyway. */
function measureListing(state: RegistryState, repetitions: number): { ours: number; raw: number }[] {
  const sorted = [...state.functions.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const pages = 2_000
  return Array.from({ length: repetitions }, () => {
    const ours = rate(pages, page => {
      const after = sorted[(page * 100) % functions]?.name ?? ''
      return [...state.functions.values()]
        .filter(({ name }) => name > after)
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .slice(0, 100)
    })
    const raw = rate(pages, page => {
      const start = (page * 100) % functions
      return JSON.stringify(sorted.slice(start, start + 100).map(({ latest }) => latest))
    })
    return { ours, raw }
  })
}

function rate(times: number, action: (index: number) => unknown): number {
  const started = performance.now()
  for (let index = 0; index < times; index++) action(index)
  return times / ((performance.now() - started) / 1_000)
}

/** Writes the command log that 11,000 transactions would have written, and gives the commands as text. */
async function writeCommands(directory: string): Promise<readonly string[]> {
  const log = await openEmbeddedLog({
    directory,
    stream: 'registry',
    partitionCount: 1,
    segmentBytes: 4 * 1_048_576,
    groups: ['registry'],
  })
  const records = [...thousandFunctions()].map((change, position) =>
    encodeCommand({
      format: 1,
      id: `command-${position}`,
      atMs: 1_700_000_000_000 + position,
      by: 'api',
      expectedPosition: position,
      changes: [change],
    }),
  )
  for (let at = 0; at < records.length; at += 500) await log.append(0, records.slice(at, at + 500))
  await log.close()
  return records.map(({ value }) => value.toString())
}

async function snapshotLines(dir: string): Promise<readonly string[]> {
  const [name = ''] = await readdir(join(dir, 'snapshots'))
  return (await readFile(join(dir, 'snapshots', name), 'utf8')).trimEnd().split('\n')
}

function onFatal(error: Error): void {
  throw error
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(await run())
