// The prover meter on the page, as a person uses it: with the circuit that comes beside the page, and with files of one's own. What is proven is a
// circuit that takes no time.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { placeStub } from '../proving/stubcircuit.ts'
import { openPage, type PageUnderTest, screenshot } from './openpage.ts'

const STEPS = 9
let circuit: string

beforeAll(async () => {
  circuit = await mkdtemp(join(tmpdir(), 'codex-light-stub-'))
  await placeStub(circuit)
}, 120_000)
afterAll(() => rm(circuit, { recursive: true }))

async function openMeter(under: PageUnderTest): Promise<Page> {
  const tab = await under.open()
  await tab.getByRole('button', { name: 'How fast does this device prove?' }).click()
  await tab.getByRole('button', { name: 'Measure', exact: true }).waitFor()
  return tab
}

/** Also what is too wide for the window. */
async function overflows(tab: Page): Promise<boolean> {
  return tab.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
}

describe('beside a circuit', () => {
  let under: PageUnderTest
  beforeAll(async () => {
    under = await openPage(undefined, circuit)
  })
  afterAll(() => under.close())

  test('a press measures, step by step, and says in plain words what comes of it', async () => {
    const tab = await openMeter(under)
    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    const verdict = tab.getByTestId('verdict')
    await verdict.waitFor()
    expect(await verdict.innerText()).toMatch(/A proof takes this device \d+\.\d seconds with .*workers?: fast enough/)
    expect(await verdict.innerText()).toContain('for development only')
    const steps = tab.getByTestId('stages').locator('li')
    expect(await steps.count()).toBe(STEPS)
    // The key was in place, so all of it but the loading was done once more.
    expect(await tab.locator('[data-testid=stages] li[data-at=done]').count()).toBeGreaterThanOrEqual(STEPS - 2)
    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    await verdict.waitFor()
    for (const [name, width, colorScheme] of [
      ['meter-dark-narrow', 320, 'dark'],
      ['meter-light', 1000, 'light'],
    ] as const) {
      await tab.setViewportSize({ width, height: 900 })
      await tab.emulateMedia({ colorScheme })
      expect(await overflows(tab)).toBe(false)
      await screenshot(tab, name)
    }
    expect(under.complaints).toEqual([])
  })

  test('it can be stopped while the circuit is on its way, and started again', async () => {
    const tab = await openMeter(under)
    let isHeld = true
    await tab.route('**/sha256.json', async (route) => {
      if (isHeld) return // For ever, as far as the page can tell.
      await route.continue()
    })
    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    await tab.getByRole('button', { name: 'Stop' }).click()
    isHeld = false
    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    await tab.getByTestId('verdict').waitFor()
    expect(under.complaints).toEqual([])
  })
})

describe('without a circuit', () => {
  let under: PageUnderTest
  beforeAll(async () => {
    under = await openPage()
  })
  afterAll(() => under.close())

  test('it takes files of one’s own, and says which of them is wrong', async () => {
    const tab = await openMeter(under)
    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    await tab.getByText('This page came without a circuit.').waitFor()
    const [wasm, zkey] = [tab.getByLabel('Witness module (.wasm)'), tab.getByLabel('Proving key (.zkey)')]
    const start = tab.getByRole('button', { name: 'Measure with these' })
    await wasm.setInputFiles(join(circuit, 'circuit.wasm'))
    await zkey.setInputFiles(join(circuit, 'circuit.wasm'))
    await start.click()
    const problem = tab.getByRole('alert')
    await problem.waitFor()
    expect(await problem.innerText()).toContain('Zkey file, first four bytes')

    await tab.getByRole('button', { name: 'Measure', exact: true }).click()
    await wasm.setInputFiles(join(circuit, 'circuit.wasm'))
    await zkey.setInputFiles(join(circuit, 'circuit.zkey'))
    await start.click()
    await tab.getByTestId('verdict').waitFor()
    // The browser itself notes that there is no circuit beside the page.
    expect(under.complaints.filter((text) => !text.includes('circuit/sha256.json'))).toEqual([])
  })
})
