import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startApiServer, type ApiServer } from '../api/api-server.ts'
import { functionSummaryOf, overviewOf, triggerViewOf } from '../api/sample-views.ts'
import { describeWith } from '../support/real-parts.ts'
import { launchBrowser, Tab } from './browser.ts'

const functionCount = 1_000
const partitionCount = 500

describeWith(['chromium'], 'the dashboard of a gateway with 1,000 functions and 500 partitions', () => {
  let server: ApiServer
  let browser: Browser
  let looks = 0

  beforeAll(async () => {
    server = await startApiServer({ watch: { intervalMs: 200 } })
    server.control.overview = async () => overviewNow(++looks)
    server.control.functions = async () => ({
      items: Array.from({ length: functionCount }, (_, index) => functionSummaryOf(nameOf(index))),
      next: null,
    })
    server.control.trigger = async name => ({
      ...triggerViewOf(name),
      state: 'running',
      paused: null,
      succeeded: looks,
      partitions: Array.from({ length: partitionCount }, (_, partition) => {
        const lag = (partition * looks) % 97
        return { partition, committed: looks, end: looks + lag, lag, inFlight: 1 }
      }),
    })
    browser = await launchBrowser()
  })

  afterAll(async () => {
    await browser.close()
    await server.close()
  })

  it('shows a picture that can be read, lists that can be searched, and a line for the partitions that wait', async () => {
    const tab = await Tab.open(browser, 'desktop')
    const open = (address: string) => tab.page.goto(`${server.url}/dashboard/${address}`)
    await open('')
    await tab.page.getByText('and 992 more').first().waitFor()
    expect(await tab.page.locator('.station').count()).toBeLessThanOrEqual(5 * 8)
    await tab.picture('many-overview')

    await open('#/triggers')
    await tab.page.getByText('1–50 of 1000').waitFor()
    expect(await tab.page.locator('tbody tr').count()).toBe(50)
    await tab.page.getByRole('searchbox').fill('trigger-0777')
    await tab.page.getByRole('link', { name: 'trigger-0777' }).click()

    await tab.page.getByText('1–12 of 500').waitFor()
    await tab.page.getByText('the other 495').waitFor()
    await tab.picture('many-partitions')

    await open('#/functions')
    await tab.page.getByText('1–50 of 1000').waitFor()
    await tab.page.getByRole('button', { name: 'Next' }).click()
    await tab.page.getByText('51–100 of 1000').waitFor()
    // It goes on being told: a page that cannot keep up would fall silent.
    const before = looks
    await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThan(before + 3)
    expect(tab.complaints).toEqual([])
    await tab.close()
  })
})

const nameOf = (index: number): string => `function-${String(index).padStart(4, '0')}`

function overviewNow(look: number) {
  const pools = Array.from({ length: functionCount }, (_, index) => ({
    ...{ function: nameOf(index), version: 'latest', state: 'ready' as const, permitted: 1, workers: 1, busy: 1 },
    ...{ succeeded: look * index, failed: 0, serviceTimeMs: 3 },
  }))
  const triggers = pools.map(({ function: name, succeeded }, index) => ({
    ...{
      name: `trigger-${String(index).padStart(4, '0')}`,
      stream: 'web',
      function: name,
      functionRef: name,
      sinks: [],
    },
    ...{
      isInternal: false,
      state: 'running' as const,
      lag: index,
      inFlight: 1,
      succeeded,
      failed: 0,
      parkedKeys: 0,
      deadLetters: 0,
    },
  }))
  return overviewOf({ atMs: look * 200, functionCount, pools, triggers })
}
