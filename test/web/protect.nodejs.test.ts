// Protecting a file on the page, as a person does it: the slots fill up, the tab stays usable, and what comes of it is what any node would make.

import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { MiB } from '../../src/lib/units.ts'
import { buildDataset } from '../../src/entries/slots.nodejs.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import type { PageUnderTest } from './openpage.ts'
import { choose, fileRow, openPage, role, sampleBytes, screenshot } from './openpage.ts'

let under: PageUnderTest

beforeAll(async () => {
  under = await openPage()
})
afterAll(() => under.close())

/** How many squares are full, parts of one counted. */
async function filled(tab: Page): Promise<number> {
  return tab
    .locator('.slot span')
    .evaluateAll((squares) =>
      squares.reduce((sum, square) => sum + Number((square as HTMLElement).style.getPropertyValue('--full')), 0),
    )
}

test('a file is cut into slots that fill up, and can be cancelled, kept and removed', async () => {
  const bytes = sampleBytes(12 * MiB)
  const mimetype = 'application/octet-stream'
  const tab = await under.open()
  await role(tab, 'Running').waitFor()
  await choose(tab, 'ledger.bin', bytes)
  await fileRow(tab, 'ledger.bin').waitFor()

  await tab.getByLabel('Slots', { exact: true }).fill('5')
  await tab.getByLabel('May be lost').fill('2')
  await tab.getByRole('button', { name: 'Protect', exact: true }).click()
  const slots = tab.getByTestId('slots')
  await slots.waitFor()
  // Some squares are full before the first slot is: it fills up while it is hashed.
  await expect.poll(() => filled(tab)).toBeGreaterThan(0)
  expect(await slots.getAttribute('data-whole')).not.toBe('5')
  // While it hashes the page answers, so it can be told to stop.
  await tab.getByRole('button', { name: 'Cancel' }).click()
  await tab.getByRole('button', { name: 'Protect', exact: true }).waitFor()
  expect(await tab.getByTestId('file').count()).toBe(1)

  await tab.getByLabel('Slots', { exact: true }).fill('5')
  await tab.getByLabel('May be lost').fill('2')
  await tab.getByRole('button', { name: 'Protect', exact: true }).click()
  await tab.locator('[data-testid=slots][data-whole="5"]').waitFor()
  await tab.getByText('A slot takes 4 MiB of a provider.').waitFor()
  expect(await slots.locator('[data-kind=data]').count()).toBe(3)
  expect(await slots.locator('[data-kind=parity]').count()).toBe(2)
  const { verifiable } = await buildDataset(bytes, { ecK: 3, ecM: 2, filename: 'ledger.bin', mimetype })
  const expected = String(manifestCid(encodeManifest(verifiable)))
  expect(await tab.getByTestId('cid').innerText()).toBe(expected)
  await screenshot(tab, 'protected')

  await tab.reload()
  const inSlots = tab.getByTestId('file').filter({ hasText: 'in slots' })
  await inSlots.getByRole('button', { name: 'Show' }).click()
  await tab.locator('[data-testid=slots][data-whole="5"]').waitFor()
  expect(under.complaints).toEqual([])
})
