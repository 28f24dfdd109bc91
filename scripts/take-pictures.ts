/**
 * Makes the pictures of the README from a running gateway: `npm run pictures`. The dashboard as a browser shows it, after
 * a minute of orders of which a few cannot be priced.
 */
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { launchBrowser, Tab } from '../test/dashboard/browser.ts'
import { keepOrdering, prepareShop, sendOrders } from '../test/dashboard/shop-gateway.ts'

const directory = resolve(import.meta.dirname, '../docs/pictures')
const minuteMs = 60_000

mkdirSync(directory, { recursive: true })
const gateway = await prepareShop()
await gateway.start()
const browser = await launchBrowser()
const stop = new AbortController()
const load = keepOrdering(gateway, stop.signal, 60)
try {
  await sendOrders(gateway, 0, 200)
  await gateway.post('/v1/triggers/watch-devices/pause', { reason: 'new firmware', by: 'ada' })
  const light = await Tab.open(browser, 'desktop')
  await light.page.goto(`${gateway.url}/dashboard/`)
  console.log('a minute of orders …')
  await light.page.waitForTimeout(minuteMs)
  const shot = async (tab: Tab, address: string, name: string, height = 900): Promise<void> => {
    await tab.page.setViewportSize({ width: 1280, height })
    await tab.page.goto(`${gateway.url}/dashboard/${address}`)
    await tab.page.waitForTimeout(8_000)
    await tab.page.screenshot({ path: resolve(directory, `${name}.png`) })
    console.log(`docs/pictures/${name}.png`)
  }
  await shot(light, '', 'overview', 640)
  await shot(light, '#/triggers/price-orders', 'trigger', 1000)
  const dark = await Tab.open(browser, 'desktop', { colorScheme: 'dark' })
  await shot(dark, '#/scaling', 'scaling', 900)
  await shot(dark, '#/functions/price', 'function', 1000)
} finally {
  stop.abort()
  await load
  await browser.close()
  await gateway.dispose()
}
