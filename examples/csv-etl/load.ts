import type { Handler } from 'sluice-gateway'
import { parseCsv } from './parse-csv.ts'

const columns = ['buoy', 'measured', 'wave_m', 'remark'] as const

/**
 * Takes a CSV file apart: each good row becomes a record of the stream `measurements`, each bad one goes to where people look,
 * and a summary says how many there were. A file that is no CSV at all fails and becomes a dead letter, whole.
 */
const load: Handler<string, void> = (event, context) => {
  let rows = 0
  let bad = 0
  for (const { line, cells } of parseCsv(event.data)) {
    if (rows++ === 0) {
      if (cells.join() !== columns.join()) throw new TypeError(`the first line must be ${columns.join()}`)
      continue
    }
    const problems = problemsOf(cells)
    const [buoy = '', measured = '', wave = '', remark = ''] = cells
    if (problems.length === 0) {
      const data = { buoy, measured: new Date(measured).toISOString(), waveM: Number(wave), remark }
      context.emit({ type: 'com.example.measurement', subject: buoy, data }, { sink: 'measurements', key: buoy })
    } else {
      bad++
      context.emit(
        { type: 'com.example.bad-row', subject: String(line), data: { line, problems } },
        { sink: 'bad-rows' },
      )
    }
  }
  context.logger.info('loaded', { rows: rows - 1, bad })
  const data = { rows: Math.max(0, rows - 1), loaded: Math.max(0, rows - 1 - bad), bad }
  context.emit({ type: 'com.example.loaded', subject: event.subject, data }, { sink: 'summaries' })
}
export default load

function problemsOf(cells: readonly string[]): string[] {
  if (cells.length !== columns.length) return [`it has ${cells.length} cells, not ${columns.length}`]
  const [buoy = '', measured = '', wave = ''] = cells
  const problems: string[] = []
  if (!/^[A-Z]{2}\d{2}$/.test(buoy)) problems.push(`'${buoy}' is no buoy`)
  if (Number.isNaN(Date.parse(measured))) problems.push(`'${measured}' is no time`)
  if (wave.trim() === '' || !(Number(wave) >= 0 && Number(wave) < 40)) problems.push(`'${wave}' is no wave height`)
  return problems
}
