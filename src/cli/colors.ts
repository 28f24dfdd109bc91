import type { Terminal } from './command-io.ts'

/** Paints text for a terminal that has colours, and leaves it as it is for everything else. */
export type Paint = (text: string) => string

export interface Colors {
  readonly bold: Paint
  readonly dim: Paint
  readonly red: Paint
  readonly green: Paint
  readonly yellow: Paint
  readonly cyan: Paint
}

const plain: Paint = text => text
const none: Colors = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain, cyan: plain }

const sgr =
  (open: number, close: number): Paint =>
  text =>
    text === '' ? '' : `\u001b[${open}m${text}\u001b[${close}m`

const ansi: Colors = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
}

export const colorsOf = (terminal: Terminal | undefined): Colors => (terminal?.colors === true ? ansi : none)
