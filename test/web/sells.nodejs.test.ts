// A provider in the tab as a person would run it: a real chain, a real client over WebSocket, proofs of a small circuit that the chain verifies. A normal run
// sells one slot; the rest takes minutes of a chain's periods, for a machine that does nothing else.

import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { BUILT_PAGE, choose, fileRow, openPage, type PageUnderTest, role, sampleBytes, screenshot } from './openpage.ts'
import { TabWorld } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 120_000

let world: TabWorld
let under: PageUnderTest

beforeAll(async () => {
  world = await TabWorld.start({ duration: 900 })
  under = await openPage(BUILT_PAGE, world.folder, world.demo)
}, PATIENCE_MS)

afterAll(async () => {
  await under.close()
  await world.stop()
}, PATIENCE_MS)

/** So many slots of the tab's are filled. Says what the page shows where they are not. */
async function untilFilled(tab: Page, count = 1): Promise<void> {
  const row = tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]').nth(count - 1)
  await row.waitFor({ timeout: PATIENCE_MS }).catch(async (cause: unknown) => {
    throw new Error(await tab.locator('main').innerText(), { cause })
  })
}

const proofsInChain = async (): Promise<number> => (await world.proofs()).length

test(
  'one click sells from the tab, with a key of its own: a slot is filled in the chain',
  async () => {
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Sell from this tab' }).click()
    await untilFilled(tab)
    await expect.poll(() => world.told).toContainEqual(expect.stringContaining('is filled by a tab'))
    // Each fill carries one.
    await expect.poll(proofsInChain).toBeGreaterThan(0)
    const host = await tab.getByTestId('host').getAttribute('title')
    expect(world.told).toContain(`a tab joins with the key ${host}`)
    expect(await world.sentBy(host ?? '')).toMatchObject({ failed: [] })
    // Closed, it would miss the proofs of that slot: whoever closes it is asked.
    const asked = tab.waitForEvent('dialog')
    await tab.close({ runBeforeUnload: true })
    const question = await asked
    expect(question.type()).toBe('beforeunload')
    await question.dismiss()
    await untilFilled(tab)
  },
  2 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'it goes on proving after a reload, and fits a phone',
  async () => {
    const [tab] = under.context.pages().filter((page) => page.url().startsWith(under.url)) as [Page]
    await untilFilled(tab, 3)
    await screenshot(tab, 'sells')
    await tab.setViewportSize({ width: 320, height: 700 })
    for (const colorScheme of ['dark', 'light'] as const) {
      await tab.emulateMedia({ colorScheme })
      expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
      await screenshot(tab, `sells-${colorScheme}-320`)
    }
    // By keyboard alone.
    await tab.getByRole('button', { name: 'Take no new slots' }).press('Enter')
    await tab.getByTestId('stance').filter({ hasText: 'You let it take no new slots' }).waitFor()
    await tab.getByRole('button', { name: 'Take new slots again' }).press('Enter')
    await tab.getByTestId('stance').filter({ hasText: 'It sells' }).waitFor()
    await tab.locator('summary').filter({ hasText: 'Why it took or ignored' }).press('Enter')
    await tab.getByText('Taken').first().waitFor()
    const terms = tab.getByTestId('terms')
    await terms.locator('summary').press('Enter')
    await terms.getByLabel('Space').fill('63 MiB')
    // What is shown around it changes each second, and must leave alone what is typed.
    await tab.waitForTimeout(2500)
    await terms.getByLabel('Space').press('Enter')
    await terms.getByText('Offered: 63 MiB').waitFor()
    const before = await proofsInChain()
    await tab.reload()
    await untilFilled(tab)
    await expect.poll(proofsInChain, { timeout: PATIENCE_MS }).toBeGreaterThan(before)
    await tab.setViewportSize({ width: 1280, height: 800 })
    await tab.waitForFunction(
      () => [...document.querySelectorAll('[data-testid=proofs]')].every((each) => Number(each.textContent) > 1),
      undefined,
      { timeout: PATIENCE_MS },
    )
    await screenshot(tab, 'sells-proven')
    // A busy machine may prove too late once, and says so; nothing else is to be complained about.
    expect(under.complaints.splice(0).filter((each) => !each.startsWith('sales: a proof '))).toEqual([])
  },
  4 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'the client’s corner: a file is dropped, storage bought for it, and its slots watched until they have providers',
  async () => {
    const [tab] = under.context.pages().filter((page) => page.url().startsWith(under.url)) as [Page]
    await tab.setViewportSize({ width: 1280, height: 800 })
    await choose(tab, 'mine.bin', sampleBytes(150_000))
    await fileRow(tab, 'mine.bin').waitFor()
    const corner = tab.getByTestId('client')
    await corner.getByText('Buy storage for a file of yours').click()
    await corner.getByLabel('Of them, how many may be lost').fill('3')
    await corner.getByRole('button', { name: 'Buy storage' }).click()
    // Refused before anything is sent.
    await corner.getByRole('status').filter({ hasText: 'tolerance' }).waitFor()
    await corner.getByLabel('Of them, how many may be lost').fill('1')
    await corner.getByTestId('quote').filter({ hasText: '3 slots of 128 KiB for 5m cost' }).waitFor()
    await corner.getByRole('button', { name: 'Buy storage' }).click()
    const bought = corner.getByTestId('bought').locator('li[data-state=started]')
    await bought.waitFor({ timeout: PATIENCE_MS }).catch(async (cause: unknown) => {
      throw new Error(await tab.locator('main').innerText(), { cause })
    })
    expect(await bought.innerText()).toContain('3 of 3 slots with a provider')
    await screenshot(tab, 'bought')
  },
  2 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'another browser that joins has a key of its own',
  async () => {
    const [tab] = under.context.pages().filter((page) => page.url().startsWith(under.url)) as [Page]
    const other = await openPage(BUILT_PAGE, world.folder, world.demo)
    try {
      const stranger = await other.open()
      await role(stranger, 'Running').waitFor()
      await stranger.getByRole('button', { name: 'Sell from this tab' }).click()
      await stranger.getByTestId('stance').waitFor({ timeout: PATIENCE_MS })
      const hosts = await Promise.all([tab, stranger].map((each) => each.getByTestId('host').getAttribute('title')))
      expect(new Set(hosts).size).toBe(2)
    } finally {
      await other.close()
    }
  },
  2 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'a second tab shows how the first sells, and takes over when it is asked to',
  async () => {
    const [first] = under.context.pages().filter((page) => page.url().startsWith(under.url)) as [Page]
    await first.setViewportSize({ width: 1000, height: 800 })
    const host = await first.getByTestId('host').getAttribute('title')
    const second = await under.open()
    await role(second, 'Watching').waitFor()
    await second.getByTestId('watched').getByTestId('slots').waitFor({ timeout: PATIENCE_MS })
    await screenshot(second, 'watches')
    expect(await second.getByTestId('watched').getByTestId('host').getAttribute('title')).toBe(host)
    await expect(second.getByRole('button', { name: 'Have the client buy storage' }).count()).resolves.toBe(0)
    await second.getByRole('button', { name: 'Run it in this tab' }).click()
    await role(second, 'Running').waitFor()
    await role(first, 'Watching').waitFor()
    const before = await proofsInChain()
    await untilFilled(second, 3)
    expect(await second.getByTestId('host').getAttribute('title')).toBe(host)
    await expect.poll(proofsInChain, { timeout: PATIENCE_MS }).toBeGreaterThan(before)
    // Gone without a word, as a tab that crashes.
    await second.close()
    await role(first, 'Running').waitFor()
    await untilFilled(first, 3)
    const later = await proofsInChain()
    await expect.poll(proofsInChain, { timeout: PATIENCE_MS }).toBeGreaterThan(later)
    expect(await world.sentBy(host ?? '')).toMatchObject({ failed: [] })
  },
  4 * PATIENCE_MS,
)
