// Tabs beside the demo's own provider in Node: one that only buys, whose file that provider fetches from it; and one that joins, which the provider stands back for.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { BUILT_PAGE, choose, fileRow, openPage, type PageUnderTest, role, sampleBytes, screenshot } from './openpage.ts'
import { TabWorld } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 120_000

let world: TabWorld
let under: PageUnderTest

beforeAll(async () => {
  if (!IS_LONG) return
  world = await TabWorld.start({ hasProvider: true, duration: 600, expiry: 150 })
  under = await openPage(BUILT_PAGE, world.folder, world.demo)
}, PATIENCE_MS)

afterAll(async () => {
  if (!IS_LONG) return
  await under.close()
  await world.stop()
}, PATIENCE_MS)

test.runIf(IS_LONG)(
  'a tab that offers nothing buys storage for a file of its own, and the provider in Node gets it from there and fills all slots',
  async () => {
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await choose(tab, 'mine.bin', sampleBytes(150_000))
    await fileRow(tab, 'mine.bin').waitFor()
    await tab.getByRole('button', { name: 'Buy from this tab' }).click()
    await tab.getByTestId('buyer-stance').filter({ hasText: 'proves nothing' }).waitFor({ timeout: PATIENCE_MS })
    const corner = tab.getByTestId('client')
    await corner.getByTestId('quote').filter({ hasText: '3 slots of 128 KiB for 5m cost' }).waitFor()
    await corner.getByRole('button', { name: 'Buy storage' }).click()
    await tab.getByTestId('buyer-stance').filter({ hasText: 'Keep this tab open' }).waitFor({ timeout: PATIENCE_MS })
    // Closed now, nobody could fetch it: whoever closes it is asked.
    const asked = tab.waitForEvent('dialog')
    await tab.close({ runBeforeUnload: true })
    await (await asked).dismiss()
    const bought = corner.getByTestId('bought').locator('li[data-state=started]')
    await bought.waitFor({ timeout: PATIENCE_MS }).catch(async (cause: unknown) => {
      throw new Error(await tab.locator('main').innerText(), { cause })
    })
    await bought.getByText('3 of 3 slots with a provider').waitFor()
    await screenshot(tab, 'buys-only')
    // It sells nothing, and all slots are the provider's.
    expect(await tab.getByTestId('stance').count()).toBe(0)
    expect(await world.provider?.trade?.market.mySlots({ signal: AbortSignal.timeout(10_000) })).toHaveLength(3)
    await tab.close()
  },
  3 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'who joins gets a slot of the purchase that follows, and the provider in Node, which stood back, the others',
  async () => {
    const before = world.provider?.trade?.provider?.list().length ?? 0
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Sell from this tab' }).click()
    await tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]').first().waitFor({ timeout: PATIENCE_MS })
    await expect.poll(() => world.told).toContainEqual(expect.stringContaining('is filled by a tab'))
    const host = await tab.getByTestId('host').getAttribute('title')
    const theirs = async (): Promise<number> => (world.provider?.trade?.provider?.list().length ?? 0) - before
    const ours = async (): Promise<number> =>
      tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]').count()
    await expect.poll(async () => (await ours()) + (await theirs()), { timeout: PATIENCE_MS }).toBe(3)
    expect(world.provider?.trade?.provider?.holds).toEqual([])
    expect(await world.sentBy(host ?? '')).toMatchObject({ failed: [] })
  },
  3 * PATIENCE_MS,
)
