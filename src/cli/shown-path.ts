import { relative } from 'node:path'

/** A path as people want to read it: relative when that is inside of the working directory. */
export function shownPath(file: string): string {
  const short = relative(process.cwd(), file)
  return short.startsWith('..') || short === '' ? file : short
}
