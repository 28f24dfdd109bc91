import { resolve } from 'node:path'
import type { Location, Message } from 'esbuild'
import { shownPath } from '../shown-path.ts'
import { displayWidth, plainText, truncate } from '../terminal-text.ts'

/**
 * One problem of esbuild as compilers tell theirs, so that terminals and editors make the place a link:
 *
 *   index.ts:3:18: Could not resolve "left-pad"
 *     3 │ import pad from 'left-pad'
 *       │                 ~~~~~~~~~~
 */
export function formatBuildProblem(directory: string, { text, location, notes }: Message): string {
  const lines = location === null ? [text] : placed(directory, location, text)
  const missing = /^Could not resolve "((?:@[^/"]+\/)?[^./"][^/"]*)/.exec(text)?.[1]
  if (missing !== undefined) {
    lines.push(`    is it installed? npm install ${missing}`)
    return lines.join('\n')
  }
  if (text.startsWith('No loader is configured for ".node"')) {
    lines.push('    native add-ons cannot be part of a function: look for a package in JavaScript or WebAssembly')
    return lines.join('\n')
  }
  for (const note of notes) {
    if (note.location === null) lines.push(...note.text.split('\n').map(line => `    ${plainText(line)}`))
    else lines.push(...placed(directory, note.location, note.text).map(line => `    ${line}`))
  }
  return lines.join('\n')
}

function placed(directory: string, { file, line, column, length, lineText }: Location, text: string): string[] {
  // Columns of esbuild are bytes from 0; those of editors are characters from 1.
  const before = Buffer.from(lineText).subarray(0, column).toString('utf8')
  const marked = Buffer.from(lineText)
    .subarray(column, column + length)
    .toString('utf8')
  const gutter = String(line)
  const lines = [`${shownPath(resolve(directory, file))}:${line}:${before.length + 1}: ${text}`]
  // Minified code has lines that would fill the screen.
  if (lineText.length > 400) return lines
  const shown = plainText(lineText).trimEnd()
  lines.push(`  ${gutter} │ ${truncate(shown, 160)}`)
  const indent = ' '.repeat(displayWidth(plainText(before)))
  lines.push(`  ${' '.repeat(gutter.length)} │ ${indent}${'~'.repeat(Math.max(1, displayWidth(plainText(marked))))}`)
  return lines
}
