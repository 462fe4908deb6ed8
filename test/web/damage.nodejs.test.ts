// The page over damaged records: what it shows of them, and that checking, repairing, storing again and removing put things right.

import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { parseCid } from '../../src/protocol/cid.ts'
import { QUOTA_KEY } from '../../src/storage/quota.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import { shortCid } from '../../web/shortcid.ts'
import type { PageUnderTest } from './openpage.ts'
import { choose, fileRow, openPage, role, sampleBytes, screenshot, usedBytes } from './openpage.ts'

const BYTES = sampleBytes(200_000)

let under: PageUnderTest

beforeAll(async () => {
  under = await openPage()
})
afterAll(() => under.close())

async function flipBit(tab: Page, key: Uint8Array): Promise<void> {
  await tab.evaluate(async (key) => {
    const settled = <T>(request: IDBRequest<T>): Promise<T> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result)
        request.onerror = () => reject(request.error ?? new Error('failed'))
      })
    const db = await settled(indexedDB.open('codex-light/node'))
    const records = db.transaction('records', 'readwrite').objectStore('records')
    const value = (await settled(records.get(Uint8Array.from(key)))) as Uint8Array | ArrayBuffer
    const bytes = value instanceof ArrayBuffer ? new Uint8Array(value) : value
    bytes[10] = (bytes[10] ?? 0) ^ 1
    await settled(records.put(value, Uint8Array.from(key)))
    db.close()
  }, Array.from(key))
}

/** As when the person comes back from another tab. */
async function lookAgain(tab: Page): Promise<void> {
  await tab.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
}

/** Presses the button and waits for what comes of it. */
async function press(tab: Page, name: 'Check storage' | 'Repair'): Promise<{ state: string | null; text: string }> {
  await tab.getByRole('button', { name, exact: true }).click()
  const result = tab.locator('[data-testid=check][data-state]:not([data-state=running])')
  await result.waitFor()
  return { state: await result.getAttribute('data-state'), text: await result.innerText() }
}

async function openWithFile(name: string): Promise<{ tab: Page; cid: string }> {
  const tab = await under.open()
  await role(tab, 'Running').waitFor()
  await choose(tab, name, BYTES)
  await fileRow(tab, name).waitFor()
  return { tab, cid: await tab.getByTestId('cid').innerText() }
}

const damagedRow = (tab: Page) => tab.locator('[data-testid=file][data-damaged]')

async function removeDamaged(tab: Page): Promise<void> {
  await damagedRow(tab).getByRole('button', { name: 'Remove' }).click()
  await tab.getByRole('button', { name: 'Remove it' }).click()
}

test('a damaged file is a row that can be repaired, stored again, and removed', async () => {
  const { tab, cid } = await openWithFile('hurt.bin')
  const key = blockKey(parseCid(cid))
  await flipBit(tab, key)
  await lookAgain(tab)
  await damagedRow(tab).waitFor()
  expect(await damagedRow(tab).innerText()).toContain('A record of this store is damaged')
  expect(await tab.getByRole('button', { name: 'Repair', exact: true }).count()).toBe(0)
  // Its size is not known, so the books must be mended first.
  await removeDamaged(tab)
  expect(await tab.getByRole('alert').locator('p').innerText()).toMatch(/then “Repair”\.$/)
  await tab.getByRole('button', { name: 'Dismiss' }).click()

  expect((await press(tab, 'Check storage')).state).toBe('problems')
  for (const width of [1280, 320]) {
    await tab.setViewportSize({ width, height: 800 })
    expect(await tab.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0)
    await screenshot(tab, `damaged-${width}`)
  }
  expect(await press(tab, 'Repair')).toEqual({
    state: 'clean',
    text: `Repaired, the books are right again; 1 block lost, store again or remove: ${shortCid(parseCid(cid))}.`,
  })
  await screenshot(tab, 'repaired')
  expect(await damagedRow(tab).innerText()).toContain('store the file again')

  await choose(tab, 'hurt.bin', BYTES)
  await fileRow(tab, 'hurt.bin').waitFor()
  expect(await damagedRow(tab).count()).toBe(0)

  await flipBit(tab, key)
  await lookAgain(tab)
  await damagedRow(tab).waitFor()
  await press(tab, 'Check storage')
  await press(tab, 'Repair')
  await removeDamaged(tab)
  await tab.getByText('The file is removed.').waitFor({ state: 'attached' })
  await expect.poll(() => usedBytes(tab)).toBe(0)
  expect(await tab.getByTestId('file').count()).toBe(0)
  expect((await press(tab, 'Check storage')).state).toBe('clean')
  await tab.close()
  expect(under.complaints.splice(0)).toEqual([expect.stringContaining('removing a damaged manifest')])
})

test('a tab opens over damaged counters, says so, and counts anew', async () => {
  const { tab, cid } = await openWithFile('fine.bin')
  const used = await usedBytes(tab)
  await flipBit(tab, QUOTA_KEY)
  await tab.reload()
  await role(tab, 'Running').waitFor()
  await fileRow(tab, 'fine.bin').waitFor()
  expect(await tab.getByRole('alert').locator('p').innerText()).toBe(
    'A record of this store is damaged: use “Check storage” below, then “Repair”.',
  )
  // What was read and put away does not come back each time that the tab is seen.
  await tab.getByRole('button', { name: 'Dismiss' }).click()
  await lookAgain(tab)
  await tab.waitForTimeout(500)
  expect(await tab.getByRole('alert').count()).toBe(0)
  expect((await press(tab, 'Check storage')).state).toBe('problems')
  expect(await press(tab, 'Repair')).toEqual({
    state: 'clean',
    text: 'Repaired, the books are right again; no block was lost, every file is whole.',
  })
  expect(await usedBytes(tab)).toBe(used)
  expect(await tab.getByRole('alert').count()).toBe(0)
  await fileRow(tab, 'fine.bin').getByRole('button', { name: 'Show' }).click()
  expect(await tab.getByTestId('cid').innerText()).toBe(cid)
  await tab.close()
  // Maintenance met the counters too, and says so to those who look at the console.
  for (const complaint of under.complaints.splice(0)) expect(complaint).toContain('maintenance')
})

test('a stored file says until when it is kept', async () => {
  const { tab } = await openWithFile('kept.bin')
  const line = await tab.getByTestId('expiry').innerText()
  const [, day = ''] = /^Kept until (.+); store it again to keep it longer\.$/.exec(line) ?? []
  const days = (Date.parse(day) - Date.now()) / 86_400_000
  expect(days).toBeGreaterThan(28)
  expect(days).toBeLessThanOrEqual(30)
  await tab.close()
})
