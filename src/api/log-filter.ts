import { logLevels } from '../store/observations.ts'
import type { LogFilter } from './observation-control.ts'
import type { LogLineView } from './views/log-view.ts'

/** Whether a line passes a filter; says the same as the query of kept lines. */
export function createLogFilter(filter: LogFilter): (line: LogLineView) => boolean {
  const { fromMs = -Infinity, toMs = Infinity, invocationId, traceId, version } = filter
  const least = filter.level === undefined ? 0 : logLevels.indexOf(filter.level)
  const text = filter.text?.toLowerCase()
  return line =>
    line.atMs >= fromMs &&
    line.atMs < toMs &&
    logLevels.indexOf(line.level) >= least &&
    (version === undefined || line.version === version) &&
    (invocationId === undefined || line.invocationId === invocationId) &&
    (traceId === undefined || line.traceId === traceId) &&
    (text === undefined || line.message.toLowerCase().includes(text) || fieldsOf(line).includes(text))
}

const fieldsOf = ({ fields }: LogLineView): string => (fields === undefined ? '' : JSON.stringify(fields).toLowerCase())
