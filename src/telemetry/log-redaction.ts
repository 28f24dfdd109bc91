/** Shorter values would be found in texts that have nothing to do with them. */
const minChars = 6
const replacement = '[redacted]'

/**
 * Secrets that are known by where they stand, in any text: behind `Authorization`, `Bearer` and `Basic`, as the password
 * of a URL, as a parameter of one. What ends a value also ends a string of JSON, so that a line stays one.
 */
const places: readonly (readonly [RegExp, string])[] = [
  [/(authorization\\?["']?\s*[:=]\s*\\?["']?)(?:[a-z]+\s+)?[^\s"'\\,;]+/gi, `$1${replacement}`],
  [/\b(bearer\s+)[\w.~+/=-]{6,}/gi, `$1${replacement}`],
  // With a digit or a sign in it, which "Basic information" has not.
  [/\b(Basic\s+)(?=[A-Za-z]*[0-9+/=])[A-Za-z0-9+/=]{6,}/g, `$1${replacement}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s/"'\\@:]*:)[^\s/"'\\@]+(?=@)/gi, `$1${replacement}`],
  [
    /([?&;](?:[a-z_-]*token|api[_-]?key|key|[a-z_-]*secret|pass(?:word|wd)?|pwd|[a-z-]*signature|sig|auth|code|[a-z-]*credential)=)[^\s&"'\\#]+/gi,
    `$1${replacement}`,
  ],
]

/** Hides secrets in lines of the log: those it was told of wherever they stand, others by their place. */
export class LogRedaction {
  readonly #forms = new Set<string>()
  #known: RegExp | undefined

  /** From now on these values are hidden, as they are, as JSON and as URLs write them; short ones are left. */
  know(values: Iterable<string>): void {
    for (const value of values)
      for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())])
        if (form.length >= minChars) this.#forms.add(form)
    if (this.#forms.size === 0) return
    // The longest first, so that of a secret that contains another one nothing is left.
    const sorted = [...this.#forms].sort((a, b) => b.length - a.length)
    this.#known = new RegExp(sorted.map(form => form.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|'), 'g')
  }

  /** @param line a line of JSON, which stays one. */
  hide(line: string): string {
    let text = this.#known === undefined ? line : line.replace(this.#known, replacement)
    for (const [place, hidden] of places) text = text.replace(place, hidden)
    return text
  }
}
