/** One command of a session with what it printed. */
export interface Step {
  readonly command: string
  /** With the colours that a terminal would show, as ANSI sequences. */
  readonly output: string
}

const columns = 112
const lineHeight = 19
const padding = 18
const barHeight = 30
/** Time that the picture takes to show one line, and before each command. */
const lineMs = 90
const thinkMs = 900

const colors: Readonly<Record<number, string>> = {
  31: '#ff8f85',
  32: '#5fce86',
  33: '#efb25b',
  34: '#7ab5f5',
  35: '#e08fe6',
  36: '#4cc2d6',
  90: '#8b98a5',
}

/** A session in a terminal as an SVG that plays by itself, line by line; who wants no motion sees all of it at once. Pure. */
export function terminalPicture(steps: readonly Step[]): string {
  const lines: { readonly markup: string; readonly atMs: number }[] = []
  let atMs = 0
  for (const { command, output } of steps) {
    atMs += thinkMs
    for (const [index, line] of wrapped(command).entries())
      lines.push({
        markup: `<tspan class="prompt">${index === 0 ? '$ ' : '  '}</tspan><tspan class="typed">${escaped(line)}</tspan>`,
        atMs,
      })
    for (const line of output.trimEnd().split('\n')) {
      atMs += lineMs
      lines.push({ markup: spans(line), atMs })
    }
    lines.push({ markup: '', atMs })
  }
  const width = Math.ceil(columns * 8.45 + 2 * padding)
  const height = barHeight + lines.length * lineHeight + padding
  const text = lines
    .map(({ markup, atMs: delayMs }, index) => {
      const y = barHeight + (index + 1) * lineHeight
      return markup === '' ? '' : `<text x="${padding}" y="${y}" style="animation-delay:${delayMs}ms">${markup}</text>`
    })
    .filter(line => line !== '')
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="A terminal session">
<style>
text { font: 14px ui-monospace, 'DejaVu Sans Mono', Menlo, monospace; fill: #d7dee6; white-space: pre; animation: appear 1ms both; }
.prompt { fill: #4cc2d6; } .typed { fill: #ffffff; font-weight: 600; }
@keyframes appear { from { opacity: 0; } to { opacity: 1; } }
@media (prefers-reduced-motion: reduce) { text { animation: none; } }
</style>
<rect width="${width}" height="${height}" rx="10" fill="#11161c"/>
<circle cx="20" cy="16" r="5" fill="#ff5f57"/><circle cx="38" cy="16" r="5" fill="#febc2e"/><circle cx="56" cy="16" r="5" fill="#28c840"/>
${text.join('\n')}
</svg>
`
}

/** Long commands go on in the next line, as one would type them. */
function wrapped(command: string): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of command.split(' ')) {
    if (line !== '' && line.length + word.length > columns - 6) {
      lines.push(`${line} \\`)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** A line with its colours; what is longer than the terminal is cut. */
function spans(line: string): string {
  let style = ''
  let length = 0
  return line.split(/(\u001b\[[\d;]*m)/).reduce((markup, part) => {
    const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1]
    if (codes !== undefined) {
      style = codes.split(';').reduce((before, code) => styleOf(Number(code), before), style)
      return markup
    }
    const text = part.slice(0, Math.max(0, columns - length))
    length += text.length
    if (text === '') return markup
    return `${markup}<tspan${style === '' ? '' : ` ${style}`}>${escaped(text)}</tspan>`
  }, '')
}

function styleOf(code: number, before: string): string {
  if (code === 1) return `${before} font-weight="700"`.trim()
  if (code === 2) return 'fill="#8b98a5"'
  const color = colors[code]
  return color === undefined ? '' : `fill="${color}"`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
