// A tab that sells and is not looked at: hidden, its timers throttled, for ten periods; then frozen by the browser, and awake again.

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { type PageServer, servePage } from '../../src/cli/servepage.ts'
import { slotId } from '../../src/protocol/ids.ts'
import type { SlotId } from '../../src/protocol/request.ts'
import { NEVER, upload } from '../node/nodeworld.ts'
import { BUILT_PAGE, SCREENSHOTS } from './openpage.ts'
import { PlainBrowser, type PlainTab } from './plainbrowser.ts'
import { TabWorld } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 300_000
/** Chromium's own switch for it. It throttles sooner, not less. */
const GRACE = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/5'
/** Measured on an empty page: from then on its timers come once a minute, with that switch and without. */
const GRACE_SECONDS = 90
const HIDDEN_PERIODS = 10
/** Seconds: half of a network's. */
const PERIOD = 60
/** Of the window, for 99 of 100 proofs. */
const LEAST_LEFT = 0.5
const TICK_MS = 100
/** Of 600 a minute; a page that is throttled softly, as any hidden one is at once, has 60, and has some more when its title changes. */
const MAX_TICKS_A_MINUTE = 10
const FROZEN_SECONDS = 2 * PERIOD
/** Long enough to be filled by a throttled tab, short enough to be waited for. */
const ENDING = {
  ...{ duration: 300, expiry: 240, pricePerBytePerSecond: 1000n, collateralPerByte: 1n, proofProbability: 1n },
  ...{ nodes: 3, tolerance: 1 },
}

let world: TabWorld
let server: PageServer
let browser: PlainBrowser

beforeAll(async () => {
  if (!IS_LONG) return
  world = await TabWorld.start({ duration: 1800, period: PERIOD })
  server = await servePage(BUILT_PAGE, { demo: world.demo, circuit: async () => world.folder })
  browser = await PlainBrowser.start([GRACE])
}, 300_000)

afterAll(async () => {
  if (!IS_LONG) return
  await browser.stop()
  await server.close()
  await world.stop()
}, 120_000)

async function keep(tab: PlainTab, name: string): Promise<void> {
  await mkdir(SCREENSHOTS, { recursive: true })
  await writeFile(join(SCREENSHOTS, `${name}.png`), await tab.screenshot())
}

const FILLED = "document.querySelectorAll('tr[data-state=SaleFilled], tr[data-state=SaleProving]').length"

/** Counts timers of the page's main thread, chained as those of a program are. */
const CONTROL = `void (window.ticks = 0, (function tick() { window.ticks++; setTimeout(tick, ${TICK_MS}) })())`

// Minutes of a chain's periods: for a machine that does nothing else.
test.runIf(IS_LONG)(
  `hidden and throttled for ${HIDDEN_PERIODS} periods it proves every slot in each of them, with half of the window left; frozen and awake again it proves nothing of what ended meanwhile, and collects it`,
  async () => {
    const tab = await browser.open(server.url)
    await tab.click('Sell from this tab', PATIENCE_MS)
    await tab.until(`${FILLED} === 3`, PATIENCE_MS)
    const host = await tab.read<string>("document.querySelector('[data-testid=host]').title")

    // Hidden, as a tab is behind another one.
    await tab.read(CONTROL)
    const other = await browser.open('about:blank')
    await other.activate()
    await tab.until("document.visibilityState === 'hidden'", 10_000)
    await pause(GRACE_SECONDS * 1000)
    const from = Math.floor((await world.now()) / PERIOD) + 1
    const until = from + HIDDEN_PERIODS
    const ticksBefore = await tab.read<number>('window.ticks')
    await pause(60_000)
    const ticks = (await tab.read<number>('window.ticks')) - ticksBefore
    expect(ticks, 'the main thread is throttled, or this test shows nothing').toBeLessThanOrEqual(MAX_TICKS_A_MINUTE)
    while ((await world.now()) < until * PERIOD + 2) await pause(1000)
    expect(await tab.read<string>('document.visibilityState')).toBe('hidden')

    const left = [...(await world.leftBefore(from, until - 1)).values()]
    expect(left).toHaveLength(3)
    console.log(`hidden: ${ticks} ticks of ${60_000 / TICK_MS} in a minute; seconds left of ${PERIOD}:`, left)
    expect(left.flat()).not.toContain(undefined)
    const sorted = left
      .flat()
      .map(Number)
      .sort((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 100)]).toBeGreaterThanOrEqual(PERIOD * LEAST_LEFT)
    expect(await world.sentBy(host)).toMatchObject({ failed: [] })

    // Another purchase, that ends while the tab is frozen.
    const { market, client } = world.client.trade ?? {}
    const request = await client?.buy(await upload(world.client, 140_000), ENDING, NEVER)
    if (market === undefined || request === undefined) throw new Error('the client trades')
    // The page shows it when its timers let it.
    await expect.poll(() => request.state, { timeout: ENDING.expiry * 1000, interval: 1000 }).toBe('started')
    const ends = (await market.requestEnd(request.id, NEVER)) ?? 0
    while ((await world.now()) < ends - FROZEN_SECONDS / 2) await pause(1000)

    // Frozen: nothing of it runs. What it knew when it fell asleep is old when it wakes.
    await tab.setLifecycle('frozen')
    const asleep = await world.now()
    await pause(FROZEN_SECONDS * 1000)
    const awake = await world.now()
    expect([asleep < ends, ends < awake]).toEqual([true, true])
    await tab.setLifecycle('active')
    await other.activate()
    const during = (await world.proofs()).filter(({ at }) => at > asleep + 5 && at < awake)
    console.log(
      `frozen for ${awake - asleep} s, ${during.length} proofs meanwhile; a request ended ${awake - ends} s ago`,
    )
    expect(during).toEqual([])
    const next = Math.floor(awake / PERIOD) + 1
    while ((await world.now()) < (next + 2) * PERIOD) await pause(1000)
    const ended = new Set([0, 1, 2].map((index) => slotId(request.id, index)))
    for (const [slot, since] of await world.leftBefore(next, next + 1))
      if (!ended.has(slot as SlotId)) expect(since, 'proven in each period since').not.toContain(undefined)
    const proven = await world.provenBy(host.toLowerCase(), awake)
    expect([proven.size, [...ended].filter((slot) => proven.has(slot))]).toEqual([3, []])
    for (const slot of ended) expect(await market.slotState(slot, NEVER)).toBe('Paid')
    expect(await world.sentBy(host)).toMatchObject({ failed: [] })
    await tab.activate()
    await tab.until("document.querySelector('[data-testid=tab]').textContent.includes('froze')", 10_000)
    await keep(tab, 'awake')
  },
  1_800_000,
)

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
