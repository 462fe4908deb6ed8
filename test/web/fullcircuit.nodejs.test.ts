// A tab that carries five slots with the circuit that the networks have: each is proven in each period, with time to spare.

import { afterAll, beforeAll, expect, test } from 'vitest'

import { BUILT_PAGE, openPage, type PageUnderTest, role, screenshot } from './openpage.ts'
import { TabWorld } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 300_000
const PURCHASES = 2
/** At least: how many of the six it takes depends on how long a proof takes here. */
const SLOTS = 5
const PERIODS = 3
/** Seconds, as networks have it. */
const PERIOD = 120

let world: TabWorld
let under: PageUnderTest

beforeAll(async () => {
  if (!IS_LONG) return
  world = await TabWorld.start({ duration: 2400, expiry: 1200, isFull: true, period: PERIOD })
  under = await openPage(BUILT_PAGE, world.folder, world.demo)
}, PATIENCE_MS)

afterAll(async () => {
  if (!IS_LONG) return
  await under.close()
  await world.stop()
}, PATIENCE_MS)

test.runIf(IS_LONG)(
  `a tab meets every duty of ${SLOTS} slots with the full circuit`,
  async () => {
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Sell from this tab' }).click()
    const filled = tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]')
    for (let bought = 1; bought <= PURCHASES; bought++) {
      // The first comes by itself.
      if (bought > 1)
        await tab.getByRole('button', { name: 'Have the client buy storage' }).click({ timeout: PATIENCE_MS })
      await filled
        .nth(Math.min(3 * bought, SLOTS) - 1)
        .waitFor({ timeout: 2 * PATIENCE_MS })
        .catch(async (cause: unknown) => {
          throw new Error(await tab.locator('main').innerText(), { cause })
        })
    }
    const host = (await tab.getByTestId('host').getAttribute('title')) ?? ''
    const first = Math.floor((await world.now()) / world.periodSeconds) + 1
    await expect
      .poll(() => world.now(), { timeout: 2 * PERIODS * world.periodSeconds * 1000, interval: 1000 })
      .toBeGreaterThan((first + PERIODS) * world.periodSeconds)
    const earlier = (await world.proofs()).filter(({ at }) => at < first * world.periodSeconds)
    const held = new Set(earlier.map(({ slotId }) => slotId))
    const left = [...(await world.leftBefore(first, first + PERIODS - 1))].filter(([slotId]) => held.has(slotId))
    console.log(`seconds left of ${world.periodSeconds}:`, left)
    expect(left.length).toBeGreaterThanOrEqual(SLOTS)
    for (const [, ofSlot] of left) expect(ofSlot).not.toContain(undefined)
    expect(await world.sentBy(host)).toMatchObject({ failed: [], late: 0 })
    await screenshot(tab, 'full-circuit')
  },
  8 * PATIENCE_MS,
)
