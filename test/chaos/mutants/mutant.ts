import type { ViolationKind } from '../checker/verdict.ts'

/** One place of the sources and what stands there instead. */
export interface SourceEdit {
  /** Path below `src`. */
  readonly file: string
  /** Text within one line, found exactly once in the file. */
  readonly find: string
  readonly replace: string
}

/** A classic bug, planted into the gateway of one experiment. */
export interface Mutant {
  readonly name: string
  /** What is wrong with it, in one sentence. */
  readonly bug: string
  readonly edits: readonly SourceEdit[]
  /** Kinds of violation of which the checker has to find one at least. */
  readonly breaks: readonly ViolationKind[]
}

/** @throws {Error} when a text is not found exactly once: then it would prove nothing that the gateway is still right. */
export function applyEdits(source: string, edits: readonly SourceEdit[]): string {
  let text = source
  for (const { file, find, replace } of edits) {
    const parts = text.split(find)
    if (parts.length !== 2)
      throw new Error(
        `a mutant looks for ${JSON.stringify(find)} in src/${file}, and it is there ${parts.length - 1} times`,
      )
    text = parts.join(replace)
  }
  return text
}
