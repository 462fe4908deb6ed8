// What happens to people who sell from a tab: it is closed in the middle of a download or a proof, the chain's endpoint goes away, the circuit is the wrong one.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { circuitWithKeys } from '../proving/keys.ts'
import { QUICK_CIRCUIT } from '../node/nodeworld.ts'
import { BUILT_PAGE, openPage, type PageUnderTest, role, screenshot, usedBytes } from './openpage.ts'
import { PERIOD_SECONDS, TabWorld, writeCircuit } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 120_000
/** Of one more or less stubborn sender for each slot, over two periods. */
const MAX_TRIES = 30
/** Of slots large enough that their download can be stopped in its middle. */
const FILE_BYTES = 3_000_000
const HELD_UP_AFTER = 3_000_000
/** Of three slots, two of them of data. */
const ALL_BYTES = 1.5 * FILE_BYTES
/** Proofs, headers, encryption; and what was still on its way when the tab was closed. */
const SLACK_BYTES = 0.1 * ALL_BYTES

let world: TabWorld
let under: PageUnderTest

beforeAll(async () => {
  if (!IS_LONG) return
  world = await TabWorld.start({ bytes: FILE_BYTES, duration: 600 })
}, PATIENCE_MS)

afterAll(async () => {
  if (IS_LONG) await world.stop()
}, PATIENCE_MS)

afterEach(async () => {
  if (IS_LONG) await under.close()
})

async function sell(tab: Page): Promise<void> {
  await role(tab, 'Running').waitFor()
  await tab.getByRole('button', { name: 'Sell from this tab' }).click()
  await tab
    .getByTestId('stance')
    .filter({ hasText: /^It sells/ })
    .waitFor({ timeout: PATIENCE_MS })
}

async function rows(tab: Page, state: string, count = 1): Promise<void> {
  const row = tab
    .locator(
      state
        .split(' ')
        .map((each) => `tr[data-state=${each}]`)
        .join(', '),
    )
    .nth(count - 1)
  await row.waitFor({ timeout: PATIENCE_MS }).catch(async (cause: unknown) => {
    throw new Error(await tab.locator('main').innerText(), { cause })
  })
}

const hostOf = async (tab: Page): Promise<string> => (await tab.getByTestId('host').getAttribute('title')) ?? ''

/** Through the page's own button: everything is counted anew. */
async function booksAreRight(tab: Page): Promise<void> {
  await tab.getByRole('button', { name: 'Check storage' }).click()
  await tab.locator('[data-testid=check][data-state]:not([data-state=running])').waitFor({ timeout: PATIENCE_MS })
  expect(await tab.getByTestId('check').getAttribute('data-state')).toBe('clean')
}

test.runIf(IS_LONG)(
  'closed in the middle of a download, and of a proof, it takes the slots up anew, fetches each once more at most, and loses neither money nor books',
  async () => {
    under = await openPage(BUILT_PAGE, world.folder, world.demo)
    let tab = await under.open()
    world.line.left = HELD_UP_AFTER
    await sell(tab)
    const host = await hostOf(tab)
    await rows(tab, 'SaleDownloading')
    await expect.poll(() => world.line.left, { timeout: PATIENCE_MS }).toBeLessThanOrEqual(0)
    expect(await tab.locator('tr[data-state=SaleDownloading]').count()).toBeGreaterThan(0)
    await screenshot(tab, 'mid-download')
    await expect.poll(() => usedBytes(tab), { timeout: PATIENCE_MS }).toBeGreaterThan(0)
    const kept = await usedBytes(tab)
    await tab.close()
    world.line.release()
    const carried = world.line.carried
    tab = await under.open()
    // The one that was downloaded last has its proof ahead.
    await rows(tab, 'SaleInitialProving SaleFilling SaleFilled SaleProving', 3)
    const proving = await tab.locator('tr[data-state=SaleInitialProving]').count()
    await tab.close()
    const again = world.line.carried - carried
    // A sale that ends before its fill is settled at the next start, and its blocks go with it: that is what begins anew.
    console.log(`had ${kept} of ${ALL_BYTES} bytes; then ${again} came, and ${proving} slots were about to be proven`)
    expect(proving).toBeGreaterThan(0)
    expect(again).toBeLessThan(ALL_BYTES + SLACK_BYTES)
    tab = await under.open()
    await rows(tab, 'SaleFilled SaleProving', 3)
    expect(await hostOf(tab)).toBe(host)
    const fills = (await world.proofs()).length
    await expect.poll(async () => (await world.proofs()).length, { timeout: PATIENCE_MS }).toBeGreaterThan(fills)
    expect(await world.sentBy(host)).toMatchObject({ failed: [] })
    await booksAreRight(tab)
    await screenshot(tab, 'after-kills')
    expect(under.complaints.filter((each) => !/^sales: a proof /.test(each))).toEqual([])
  },
  5 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'while the endpoint of the chain is down it says so, and sends nothing but what was ready when it went; when it is back it goes on proving',
  async () => {
    under = await openPage(BUILT_PAGE, world.folder, world.demo)
    const tab = await under.open()
    await sell(tab)
    const host = await hostOf(tab)
    await rows(tab, 'SaleFilled SaleProving', 3)
    world.endpoint.mode = 'dropping'
    const before = world.endpoint.dropped.length
    try {
      await tab.getByTestId('stance').filter({ hasText: 'out of reach' }).waitFor({ timeout: PATIENCE_MS })
      await tab.locator('[role=alert]', { hasText: 'endpoint' }).waitFor({ timeout: PATIENCE_MS })
      await screenshot(tab, 'endpoint-down')
      const { count } = await world.sentBy(host)
      await tab.waitForTimeout(PERIOD_SECONDS * 1000)
      expect((await world.sentBy(host)).count).toBe(count)
      expect(world.endpoint.dropped.length).toBeGreaterThan(before)
      const sent = world.endpoint.dropped.slice(before).filter(({ method }) => method === 'eth_sendRawTransaction')
      const byContent = new Map<string, number>()
      for (const { params } of sent) byContent.set(String(params[0]), (byContent.get(String(params[0])) ?? 0) + 1)
      console.log(`endpoint down: ${sent.length} tries to send ${byContent.size} transactions`)
      // It proves nothing on what it does not know: no more than what was ready when the endpoint went.
      expect(byContent.size).toBeLessThanOrEqual(3)
      expect(sent.length).toBeLessThanOrEqual(MAX_TRIES)
    } finally {
      world.endpoint.mode = 'fine'
    }
    await tab.getByTestId('stance').filter({ hasText: 'It sells' }).waitFor({ timeout: PATIENCE_MS })
    const back = (await world.proofs()).length
    await expect
      .poll(async () => (await world.proofs()).length, { timeout: PATIENCE_MS })
      .toBeGreaterThanOrEqual(back + 3)
    expect(await world.sentBy(host)).toMatchObject({ failed: [] })
  },
  5 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'with a proving key that is not the one it is pinned to, it says so and sells nothing (T31)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'codex-light-wrong-'))
    const { wasm, zkey } = await circuitWithKeys(QUICK_CIRCUIT)
    const damaged = Uint8Array.from(zkey)
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] ?? 0) ^ 1
    await writeCircuit(folder, { wasm, zkey: damaged }, { wasm, zkey })
    under = await openPage(BUILT_PAGE, folder, world.demo)
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Sell from this tab' }).click()
    const said = tab.locator('section', { hasText: 'Rent out space' }).getByRole('alert')
    await said.waitFor({ timeout: PATIENCE_MS })
    // Held against its hash, before any proof is tried with it.
    expect(await said.innerText()).toMatch(/zkey: expected SHA-256/)
    await screenshot(tab, 'wrong-key')
    // What the client asks for meanwhile it leaves alone.
    const asked = await tab.evaluate(async () => {
      const headers = { 'X-Codex-Light': 'page' }
      return (await fetch('/demo/request', { method: 'POST', headers })).ok
    })
    expect(asked).toBe(true)
    await tab.waitForTimeout(PERIOD_SECONDS * 1000)
    const joined = world.told.map((line) => /with the key (0x[0-9a-f]{40})/.exec(line)?.[1] ?? '')
    const host = joined.findLast((key) => key !== '') ?? ''
    expect(await world.sentBy(host)).toMatchObject({ count: 0 })
    await rm(folder, { recursive: true, force: true })
  },
  2 * PATIENCE_MS,
)

test.runIf(IS_LONG)(
  'with a proving key of another setup than the chain verifies, its fill is tried on the chain before it is sent, and is not (T31)',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'codex-light-foreign-'))
    // Of another seed: proofs with it verify with its own key, and with no other.
    const { wasm, zkey } = await circuitWithKeys(QUICK_CIRCUIT, 'another')
    await writeCircuit(folder, { wasm, zkey })
    under = await openPage(BUILT_PAGE, folder, world.demo)
    const tab = await under.open()
    await sell(tab)
    const host = await hostOf(tab)
    // Tried some times, because a challenge may change under a proof; then given up once no reorganisation can bring a fill of it back.
    await rows(tab, 'SaleFilling')
    await tab
      .locator('tr[data-state=SaleErrored], tr[data-state=SaleCancelled]')
      .first()
      .waitFor({ timeout: 4 * PATIENCE_MS })
    expect(await tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]').count()).toBe(0)
    await screenshot(tab, 'foreign-key')
    const { failed } = await world.sentBy(host)
    expect(failed).toEqual([])
    await booksAreRight(tab)
    await rm(folder, { recursive: true, force: true })
  },
  6 * PATIENCE_MS,
)
