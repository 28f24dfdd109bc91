import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineExperiment, type Experiment } from '../experiment.ts'
import { atMost, exactly, told } from '../figure.ts'
import { figuresTable } from './figures-table.ts'
import { reportFile, type Report } from './report.ts'
import { runRows, type Row, type RunRowsOptions } from './run-rows.ts'

let reports: string
let runs: string[]

beforeEach(async () => {
  reports = await mkdtemp(join(tmpdir(), 'sluice-reports-'))
  runs = []
})

afterEach(() => rm(reports, { recursive: true }))

/** An experiment that counts its runs and loses `lost` events. */
const losing = (name: string, lost: number): Experiment =>
  defineExperiment({
    name,
    proves: 'Nothing is lost.',
    full: { cycles: 100 },
    short: { cycles: 3 },
    async run({ size, seed, directory, progress }) {
      await writeFile(join(directory, 'scratch'), '')
      runs.push(`${name} ${size.cycles} ${seed} ${directory}`)
      progress(size.cycles, size.cycles)
      return {
        figures: [exactly('lost', lost, 0), atMost('ready p99', 1_234.567, 2_000, 'ms'), told('cycles', size.cycles)],
        findings: lost > 0 ? ['k-1 is lost'] : [],
      }
    },
  })

const broken = defineExperiment({
  ...losing('broken', 0),
  run: () => Promise.reject(new Error('the port is taken')),
})

function prove(experiments: readonly Experiment[], more: Partial<RunRowsOptions> = {}): Promise<readonly Row[]> {
  return runRows({
    experiments,
    mode: 'short',
    sizeOf: ({ short }) => short,
    seed: 7,
    again: false,
    reports,
    commit: 'c0ffee',
    sources: 'digest',
    onStart: () => undefined,
    onProgress: () => undefined,
    onEnd: () => undefined,
    ...more,
  })
}

describe('a row', () => {
  it('is run with its size and seed in a directory that is gone afterwards, and its report is kept', async () => {
    const [row] = await prove([losing('keeps', 0)])
    expect(row).toMatchObject({ kind: 'run', report: { isReached: true } })
    const [name, cycles, seed, directory] = runs[0]!.split(' ')
    expect([name, cycles, seed]).toEqual(['keeps', '3', '7'])
    await expect(readdir(directory!)).rejects.toThrow('ENOENT')
    const kept = JSON.parse(await readFile(reportFile(reports, 'keeps', 'short'), 'utf8')) as Report
    expect(kept).toMatchObject({ experiment: 'keeps', mode: 'short', size: { cycles: 3 }, seed: 7, commit: 'c0ffee' })
    expect(kept.figures.map(figure => `${figure.name} ${figure.value} ${figure.target}`)).toEqual([
      'lost 0 0',
      'ready p99 1234.567 ≤ 2000',
      'cycles 3 ',
    ])
  })

  it('is not run again for the same sources, seed and size, whatever it came to', async () => {
    const experiments = [losing('keeps', 0), losing('loses', 2)]
    await prove(experiments)
    const rows = await prove(experiments)
    expect(runs).toHaveLength(2)
    expect(rows).toMatchObject([
      { kind: 'known', report: { isReached: true } },
      { kind: 'known', report: { isReached: false } },
    ])
  })

  it('is run again for other sources, another seed, another size, or when that is asked for', async () => {
    const experiments = [losing('keeps', 0)]
    await prove(experiments)
    await prove(experiments, { sources: 'another' })
    await prove(experiments, { sources: 'another', seed: 8 })
    await prove(experiments, { sources: 'another', seed: 8, sizeOf: () => ({ cycles: 4 }) })
    await prove(experiments, { sources: 'another', seed: 8, sizeOf: () => ({ cycles: 4 }), again: true })
    expect(runs).toHaveLength(5)
  })

  it('keeps full runs apart from slices', async () => {
    await prove([losing('keeps', 0)])
    await prove([losing('keeps', 0)], { mode: 'full', sizeOf: ({ full }) => full })
    expect((await readdir(reports)).toSorted()).toEqual(['keeps.json', 'short'])
  })

  it('that breaks has failed, does not hinder those behind it, and is run again', async () => {
    const rows = await prove([broken, losing('keeps', 0)])
    expect(rows).toMatchObject([
      { report: { isReached: false, error: expect.stringContaining('the port is taken') } },
      {},
    ])
    expect(runs).toHaveLength(1)
    expect(await prove([broken])).toMatchObject([{ kind: 'run' }])
  })

  it('is skipped with the reason where a program is missing', async () => {
    const path = process.env['PATH']
    process.env['PATH'] = ''
    try {
      const rows = await prove([{ ...losing('traced', 0), needs: ['kcat'] }])
      expect(rows).toEqual([
        { kind: 'skipped', experiment: 'traced', reasons: ['kcat is not installed; apt-get install kcat'] },
      ])
    } finally {
      process.env['PATH'] = path
    }
  })
})

it('shows every figure beside its target, and rows that came to none', async () => {
  const rows = await prove([losing('loses', 2), broken])
  const skipped: Row = { kind: 'skipped', experiment: 'traced', reasons: ['strace is not installed'] }
  const table = figuresTable([...rows, skipped])
  expect(table.split('\n').map(line => line.split(/ {2,}/))).toEqual([
    ['experiment', 'figure', 'measured', 'target'],
    ['loses (short: 3 cycles)', 'lost', '2', '0', 'MISSED'],
    ['', 'ready p99', '1,234.57 ms', '≤ 2000', 'ok'],
    ['', 'cycles', '3'],
    ['broken (short: 3 cycles)', 'Error: the port is taken', 'FAILED'],
    ['traced', 'strace is not installed', 'skipped'],
  ])
})
