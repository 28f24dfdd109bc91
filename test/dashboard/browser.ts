import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { findChromium } from '../support/find-program.ts'

/** What is kept to be looked at. */
const pictures = resolve(import.meta.dirname, '../../test-artifacts/dashboard')

export const sizes = {
  desktop: { width: 1280, height: 900 },
  phone: { width: 390, height: 844 },
} as const

export type Size = keyof typeof sizes

/** A real browser, started once for a file. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium()
  if (executablePath === undefined) throw new Error('there is no Chromium; see CHROMIUM_PATH')
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

/** A tab that remembers everything that a user would find wrong in its console. */
export class Tab {
  readonly page: Page
  /** Messages of level error, exceptions, and what the policy of the page refused. */
  readonly complaints: string[] = []
  /** Answers of 400 and above, as `status path`. */
  readonly refusals: string[] = []
  readonly #size: Size

  private constructor(page: Page, size: Size) {
    this.page = page
    this.#size = size
    page.on('console', message => {
      // What an answer was is in refusals; Chromium says it once more here.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.complaints.push(message.text())
    })
    page.on('pageerror', error => this.complaints.push(String(error)))
    page.on('response', response => {
      if (response.status() >= 400) this.refusals.push(`${response.status()} ${new URL(response.url()).pathname}`)
    })
  }

  static async open(browser: Browser, size: Size, options: BrowserContextOptions = {}): Promise<Tab> {
    const context = await browser.newContext({ viewport: sizes[size], reducedMotion: 'reduce', ...options })
    context.setDefaultTimeout(20_000)
    return new Tab(await context.newPage(), size)
  }

  /** Keeps what is seen now. */
  async picture(name: string): Promise<void> {
    mkdirSync(pictures, { recursive: true })
    await this.page.screenshot({ path: join(pictures, `${name}-${this.#size}.png`), fullPage: true })
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }
}
