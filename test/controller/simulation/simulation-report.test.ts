import { describe, expect, it } from 'vitest'
import { SluiceError } from '../../../src/errors/sluice-error.ts'
import { simulationReport } from '../../../src/controller/simulation/simulation-report.ts'

const load = {
  format: 'sluice-load/1',
  name: 'a <step> & more',
  durationS: 60,
  functions: [
    { function: 'enrich', arrivals: { shape: 'step', fromPerS: 20, toPerS: 600, atS: 20 }, serviceTimeMs: 20, cpuTimeMs: 0.4 }, // prettier-ignore
  ],
}
const policy = { maxWorkers: 8 }

describe('simulationReport', () => {
  it('tells what happened in a table, with every change and its reason', () => {
    const { table, decisions, results } = simulationReport({ load, policy })
    const [titles = '', row = ''] = table.split('\n')
    expect(titles.split(/ {2,}/)).toEqual([
      'function', 'events', 'reaction', 'settled', 'overshoot', 'resizes', 'most', 'worker-s', 'GiB-s', 'CPU-s',
      'p50 delay', 'p99 delay', 'most lag', 'lag at end',
    ]) // prettier-ignore
    expect(row).toMatch(/^enrich +[\d,]+ +[\d.]+ s /)
    expect(decisions[0]).toMatch(/^0\.\d s {2}enrich {2}0→1: the first event waits$/)
    expect(decisions.length).toBe(results[0]?.functions[0]?.summary.resizes)
  })

  it('compares scalers, in a table for documents, too', () => {
    const { table, markdown, decisions } = simulationReport({ load, policy, scalers: ['sluice', 'keda'] })
    expect(table.split('\n').map(line => line.split(/ {2,}/)[0])).toEqual(['scaler', 'Sluice', 'KEDA'])
    expect(markdown.split('\n')[1]).toMatch(/^\| --- \| --: \|/)
    expect(decisions.some(line => /KEDA enrich {2}0→\d+: \d+ lag ÷ 10$/.test(line))).toBe(true)
  })

  it('draws a chart of its own, with one line per scaler and panel, that no name can break', () => {
    const { chart } = simulationReport({ load, policy, scalers: ['sluice', 'keda'] })
    expect(chart).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 \d+ \d+"/)
    expect(chart).toContain('a &lt;step&gt; &amp; more')
    expect(chart.match(/<path /g)).toHaveLength(1 + 3 * 2)
    expect(chart).not.toContain('NaN')
    expect(chart).not.toMatch(/https?:\/\/(?!www\.w3\.org)/)
    for (const panel of ['arrivals per second', 'workers', 'waiting events', 'p99 delay'])
      expect(chart).toContain(panel)
  })

  it('gives the same for the same seed', () => {
    expect(simulationReport({ load, policy, seed: 4 })).toEqual(simulationReport({ load, policy, seed: 4 }))
  })

  it('draws a load in which nothing happens', () => {
    const silent = { ...load, functions: [{ ...load.functions[0], arrivals: [0, 0] }] }
    const { chart, table } = simulationReport({ load: silent, policy })
    expect(chart).not.toContain('NaN')
    expect(table.split('\n')).toHaveLength(2)
  })

  it('refuses an unknown scaler with what was meant', () => {
    const ask = () => simulationReport({ load, policy, scalers: ['kedda'] })
    expect(ask).toThrow("there is no scaler 'kedda'; did you mean 'keda'?")
    expect(ask).toThrow(SluiceError)
    expect(() => simulationReport({ load, policy, scalers: ['constructor'] })).toThrow('there is no scaler')
  })
})
