import type { LogLineView } from '../../api/views/log-view.ts'
import type { FunctionLogLine } from '../../store/observations.ts'

/** A line as the API shows it; `id` is null while it is not kept yet. */
export function logLineViewOf({ fields, ...line }: FunctionLogLine & { readonly id: number | null }): LogLineView {
  return { ...line, ...(fields === undefined ? {} : { fields: readFields(fields) }) }
}

function readFields(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    // Cut off by a limit; what is left is still worth showing.
    return json
  }
}
