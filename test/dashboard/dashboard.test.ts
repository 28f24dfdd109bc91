import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { GatewayProcess } from '../e2e/gateway-process.ts'
import { describeWith } from '../support/real-parts.ts'
import { launchBrowser, Tab } from './browser.ts'
import { startHoldingProxy } from './holding-proxy.ts'
import { functionFile, prepareShop, sendOrders } from './shop-gateway.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describeWith(['chromium'], 'the dashboard', () => {
  let gateway: GatewayProcess
  let browser: Browser
  let tab: Tab

  beforeAll(async () => {
    gateway = await prepareShop()
    await gateway.start()
    browser = await launchBrowser()
    await sendOrders(gateway, 0, 300)
    await gateway.until(
      'three orders are dead letters',
      async () => (await gateway.deadLetters('price-orders')).length === 3,
    )
    await gateway.until('everything is shipped', async () => (await gateway.trigger('ship-orders')).lag === 0)
  })

  afterAll(async () => {
    await browser.close()
    await gateway.dispose()
  })

  beforeEach(async () => {
    tab = await Tab.open(browser, 'desktop')
  })

  afterEach(async () => {
    await tab.close()
  })

  const open = async (address: string): Promise<void> => {
    await tab.page.goto(`${gateway.url}/dashboard/${address}`)
  }
  const button = (name: string | RegExp) => tab.page.getByRole('button', { name })
  const dialog = () => tab.page.getByRole('dialog')

  const pages = [
    ['overview', '', 'The journey of an event'],
    ['functions', '#/functions', 'price'],
    ['function', '#/functions/price', 'Worker pools'],
    ['triggers', '#/triggers', 'price-orders'],
    ['trigger', '#/triggers/price-orders', 'Dead letters (3)'],
    ['scaling', '#/scaling', 'Decisions of the last hour'],
    ['events', '#/events?q=failed', 'The newest events that failed:'],
  ] as const

  const looks = [
    ['desktop', 'light'],
    ['phone', 'dark'],
  ] as const

  for (const [size, colorScheme] of looks) {
    it.each(pages)(
      `shows %s at ${size} width in ${colorScheme}, readable for everybody and without a complaint`,
      async (name, address, text) => {
        await tab.close()
        tab = await Tab.open(browser, size, { colorScheme })
        await open(address)
        await tab.page.getByText(text, { exact: true }).first().waitFor()
        await tab.page.getByText('Connecting …').waitFor({ state: 'detached' })
        await tab.picture(`${name}-${colorScheme}`)

        expect(await violations(tab)).toEqual([])
        expect(await tab.page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true)
        expect(tab.complaints).toEqual([])
        expect(tab.refusals).toEqual([])
      },
    )
  }

  it('is where a browser goes that asks for /', async () => {
    await tab.page.goto(gateway.url)
    await tab.page.getByText('The journey of an event').waitFor()
    expect(new URL(tab.page.url()).pathname).toBe('/dashboard/')
  })

  it('tells what is wrong, and leads there', async () => {
    await open('')
    await tab.page.getByText('3 events could not be processed and are dead letters.').waitFor()
    await tab.page
      .getByRole('region', { name: 'What is wrong now' })
      .getByRole('link', { name: 'price-orders' })
      .click()
    await tab.page.getByRole('heading', { name: /price-orders/ }).waitFor()
  })

  it('shows what happens without being asked again', async () => {
    await open('#/triggers/ship-orders')
    const waiting = tab.page.locator('.figure', { hasText: 'Completed' })
    await waiting.waitFor()
    await gateway.post('/v1/triggers/ship-orders/pause', { reason: 'inventory', by: 'ada' })
    await tab.page.getByText(/Paused by ada .*: inventory/).waitFor()
    await gateway.post('/v1/triggers/ship-orders/resume', {})
    await tab.page.getByText(/Paused by ada/).waitFor({ state: 'detached' })
  })

  it('pauses and resumes a trigger, and asks before', async () => {
    await open('#/triggers/watch-devices')
    await button('Pause …').click()
    await dialog().getByLabel('Why').fill('new firmware')
    await dialog().getByLabel('Who').fill('grace')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    expect((await gateway.trigger('watch-devices')).state).toBe('running')

    await button('Pause …').click()
    await dialog().getByLabel('Why').fill('new firmware')
    await dialog().getByLabel('Who').fill('grace')
    await tab.picture('pause-dialog')
    await dialog().getByRole('button', { name: 'Pause' }).click()
    await tab.page.getByText(/Paused by grace .*new firmware/).waitFor()
    expect((await gateway.trigger('watch-devices')).paused).toMatchObject({ reason: 'new firmware', by: 'grace' })

    await button('Resume …').click()
    await dialog().getByLabel('At the end: what waits is skipped').check()
    await dialog().getByRole('button', { name: 'What would that do?' }).click()
    await dialog().getByText('Skips 0 events, repeats 0 events.').waitFor()
    await dialog().getByRole('button', { name: 'Resume' }).click()
    await button('Pause …').waitFor()
    expect((await gateway.trigger('watch-devices')).state).toBe('running')
  })

  it('says what is wrong with an action, and leaves the dialog open', async () => {
    await gateway.post('/v1/triggers/watch-devices/pause', { reason: 'test', by: 'ada' })
    await open('#/triggers/watch-devices')
    await button('Resume …').click()
    await dialog().getByLabel('At an offset').check()
    await dialog().getByLabel('Offset', { exact: true }).fill('999999')
    await dialog().getByRole('button', { name: 'Resume' }).click()
    await dialog()
      .getByRole('alert')
      .getByText(/offset/i)
      .waitFor()
    await tab.page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
    expect((await gateway.trigger('watch-devices')).state).toBe('paused')
    await gateway.post('/v1/triggers/watch-devices/resume', {})
  })

  it('shows a dead letter, gives it again, and deletes it', async () => {
    await open('#/triggers/price-orders')
    const letters = tab.page.getByRole('region', { name: /^Dead letters/ })
    await letters.getByRole('button', { name: 'Show' }).first().click()
    await letters.getByText(/"quantity": 0/).waitFor()
    await letters.getByRole('button', { name: 'Redrive …' }).first().click()
    await dialog().getByRole('button', { name: 'What would that take?' }).click()
    await dialog().getByText('Takes 1 letter.').waitFor()
    await dialog().getByRole('button', { name: 'Redrive' }).click()
    await tab.page.getByText('The redrive is durable and goes on by itself.').waitFor()
    // It has nothing in it still, and is a dead letter again.
    await gateway.until('it came back', async () =>
      (await gateway.get<{ items: { failed: number }[] }>('/v1/triggers/price-orders/redrives')).items.some(
        ({ failed }) => failed === 1,
      ),
    )
    const before = (await gateway.deadLetters('price-orders')).length
    await letters.getByRole('button', { name: 'Delete …' }).first().click()
    await dialog().getByText('The events are gone then').waitFor()
    await tab.picture('delete-dialog')
    await dialog().getByRole('button', { name: 'Delete for ever' }).click()
    await tab.page.getByText('Deleted.').waitFor()
    expect(await gateway.deadLetters('price-orders')).toHaveLength(before - 1)
  })

  it('invokes a function with what one types, and shows its answer, its failure and its log', async () => {
    await open('#/functions/price')
    const form = tab.page.getByRole('region', { name: 'Try it' })
    await form.getByLabel('Data of the event').fill('{"id":50,"sku":"A-1","quantity":2}')
    await form.getByRole('button', { name: 'Invoke' }).click()
    await form.getByText('"price":7').waitFor()
    await form.getByText(/info\s+priced order 50/).waitFor()
    await form.getByLabel('Data of the event').fill('{"id":51,"sku":"A-1","quantity":0}')
    await form.getByRole('button', { name: 'Invoke' }).click()
    await form.getByText(/order 51 has nothing in it/).waitFor()
    await tab.page
      .getByRole('list', { name: /Log of price/ })
      .getByText('priced order 50')
      .first()
      .waitFor()
  })

  it('disables and enables a function', async () => {
    await open('#/functions/ship')
    await button('Disable …').click()
    await dialog().getByRole('button', { name: 'Disable' }).click()
    await button('Enable …').waitFor()
    const isEnabled = async () => (await gateway.get<{ enabled: boolean }>('/v1/functions/ship')).enabled
    expect(await isEnabled()).toBe(false)
    await button('Enable …').click()
    await dialog().getByRole('button', { name: 'Enable' }).click()
    await button('Disable …').waitFor()
    expect(await isEnabled()).toBe(true)
  })

  it('finds an event by its place, its id and its key, and tells its story', async () => {
    const letters = await gateway.deadLetters('price-orders')
    const letter = letters[0]!
    await open('#/events')
    const field = tab.page.getByRole('searchbox')
    const find = async (text: string): Promise<void> => {
      await field.fill(text)
      await button('Find').click()
    }
    await find(String(letter.event['id']))
    await tab.page
      .getByText(/has nothing in it/)
      .first()
      .waitFor()
    await tab.page.getByText('dead-letter').first().waitFor()
    await tab.picture('event-story')
    await find(`key:${letter.key}`)
    await tab.page.getByText(`Events with the key ${letter.key}:`).waitFor()
    await find('no-such-event')
    await tab.page
      .getByText('It is not there.')
      .or(tab.page.getByText(/^Nothing\./))
      .first()
      .waitFor()
  })

  it('can be used with the keyboard alone', async () => {
    await open('')
    await tab.page.getByText('The journey of an event').waitFor()
    await tab.page.keyboard.press('Tab')
    await tab.page.keyboard.press('Enter')
    expect(await tab.page.evaluate('document.activeElement.id')).toBe('main')
    await tab.page.getByRole('link', { name: 'Triggers' }).focus()
    await tab.page.keyboard.press('Enter')
    // The overview links to the trigger as well, twice while something is wrong: the list has to be there first.
    await tab.page.getByRole('table').getByRole('link', { name: 'price-orders', exact: true }).focus()
    await tab.page.keyboard.press('Enter')
    await button('Pause …').focus()
    await tab.page.keyboard.press('Enter')
    await dialog().waitFor()
    await tab.page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
  })

  it('says that it is not there for a trigger, a function and a page that are not', async () => {
    await open('#/triggers/nope')
    await tab.page.getByText('It is not there.').waitFor()
    await open('#/functions/nope')
    await tab.page.getByText('It is not there.').waitFor()
    await open('#/nowhere')
    await tab.page.getByText('There is no page nowhere.').waitFor()
  })
})

describeWith(['chromium'], 'the dashboard and a gateway that goes', () => {
  it('says that the connection is lost, keeps what it knew, and goes on when the gateway is back', async () => {
    const gateway = await prepareShop()
    await gateway.start()
    const browser = await launchBrowser()
    try {
      const tab = await Tab.open(browser, 'desktop')
      await tab.page.goto(`${gateway.url}/dashboard/`)
      await tab.page.getByText('The journey of an event').waitFor()
      await gateway.kill()
      await tab.page.getByText(/No connection for/).waitFor()
      await tab.picture('disconnected')
      expect(await tab.page.getByText('price-orders').first().isVisible()).toBe(true)
      await gateway.restart()
      await tab.page.getByText(/No connection for/).waitFor({ state: 'detached', timeout: 30_000 })
    } finally {
      await browser.close()
      await gateway.dispose()
    }
  })

  it('follows the log of a function again when the gateway is back', async () => {
    const gateway = await prepareShop()
    await gateway.start()
    const browser = await launchBrowser()
    try {
      const { page } = await Tab.open(browser, 'desktop')
      await page.goto(`${gateway.url}/dashboard/#/functions/price`)
      const logs = page.getByRole('region', { name: 'Logs' })
      await logs.getByText(/^created/).waitFor()
      await gateway.kill()
      await logs.getByRole('alert').waitFor()
      await gateway.restart()
      await logs.getByRole('alert').waitFor({ state: 'detached' })
      await sendOrders(gateway, 25, 26)
      await logs.getByText('priced order 25').waitFor()
    } finally {
      await browser.close()
      await gateway.dispose()
    }
  })

  it.each(['answer', 'events'] as const)('asks again and again where a proxy keeps back the %s', async held => {
    const gateway = await prepareShop()
    await gateway.start()
    const proxy = await startHoldingProxy(gateway.url, held)
    const browser = await launchBrowser()
    try {
      const { page } = await Tab.open(browser, 'desktop')
      await page.goto(`${proxy.url}/dashboard/#/triggers/ship-orders`)
      await page.getByText(/asking every 2 seconds instead/).waitFor()
      await gateway.post('/v1/triggers/ship-orders/pause', { reason: 'inventory', by: 'ada' })
      await page.getByText(/Paused by ada .*: inventory/).waitFor()
    } finally {
      await browser.close()
      await proxy.close()
      await gateway.dispose()
    }
  })

  it('makes dead letters of what is parked, when somebody wants it so', async () => {
    const retry = { maxAttempts: 3, initialDelayMs: 600_000, maxDelayMs: 600_000 }
    const gateway = await prepareShop({
      functions: { price: { file: functionFile('price'), retry }, ship: { file: functionFile('ship') } },
    })
    await gateway.start()
    const browser = await launchBrowser()
    try {
      await sendOrders(gateway, 99, 100)
      await gateway.until('it is parked', async () => (await gateway.trigger('price-orders')).parkedEvents === 1)
      await gateway.post('/v1/triggers/price-orders/pause', { reason: 'a broken order', by: 'ada' })
      const { page } = await Tab.open(browser, 'desktop')
      await page.goto(`${gateway.url}/dashboard/#/triggers/price-orders`)
      await page.getByRole('button', { name: 'Drop what is parked …' }).click()
      await page.getByLabel('Who').fill('grace')
      await page.getByRole('button', { name: 'Make them dead letters' }).click()
      await page.getByText('1 event became dead letters.').waitFor()
      expect(await gateway.deadLetters('price-orders')).toMatchObject([{ reason: 'dropped' }])
    } finally {
      await browser.close()
      await gateway.dispose()
    }
  })

  it('asks for the token where the API needs one', async () => {
    const token = 'a-token-of-the-night'
    const gateway = await prepareShop({ api: { token } })
    await gateway.start()
    const browser = await launchBrowser()
    try {
      const tab = await Tab.open(browser, 'phone')
      await tab.page.goto(`${gateway.url}/dashboard/`)
      await tab.page.getByLabel('Token').fill('not-the-token-of-it')
      await tab.page.getByRole('button', { name: 'Go on' }).click()
      await tab.page.getByText('The gateway did not take that token.').waitFor()
      await tab.picture('token')
      await tab.page.getByLabel('Token').fill(token)
      await tab.page.getByRole('button', { name: 'Go on' }).click()
      await tab.page.getByText('The journey of an event').waitFor()
    } finally {
      await browser.close()
      await gateway.dispose()
    }
  })
})

/** What axe finds against WCAG 2.2 AA, as `rule: where`. */
async function violations(tab: Tab): Promise<readonly string[]> {
  // Not as a script of the page: its policy would refuse that.
  await tab.page.evaluate(axeSource)
  const found = await tab.page.evaluate<{ id: string; nodes: { target: string[]; failureSummary: string }[] }[]>(
    `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations)`,
  )
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')} ${failureSummary}`),
  )
}
