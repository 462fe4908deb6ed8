// The demo itself, as `npm start` leaves it running, looked at in a browser: its page shows how the provider's slots come to be paid, and nothing is left of it
// after Ctrl-C.

import { readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { chromium } from 'playwright'
import { expect, test } from 'vitest'

import { findChromium } from '../chromium.ts'
import { start } from '../cli/command.ts'
import { screenshot } from './openpage.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 420_000

const demoFolders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('codex-light-demo-'))

/** What the page shows of a slot, from the first look to the last. */
type Seen = Readonly<Record<string, readonly string[]>>

// Two minutes of periods, and proofs of the full circuit: for a machine that does nothing else.
test.runIf(IS_LONG)(
  'the page of the demo shows its provider’s slots from the reservation to the payout, one click joins with a tab that sells and proves, and Ctrl-C ends all of it',
  async () => {
    const before = demoFolders()
    const { child, ended } = start(['demo'])
    const failed = ended.then(({ stdout, stderr }) => Promise.reject(new Error(`the demo ended: ${stdout}${stderr}`)))
    failed.catch(() => undefined)
    const whileItRuns = <T>(work: Promise<T>): Promise<T> => Promise.race([work, failed])
    let said = ''
    const told = new Promise<string>((resolve) => {
      child.stdout.on('data', (text: string) => {
        said += text
        const found = /the page\s+(http:\S+)/.exec(said)?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const url = await whileItRuns(told)
    const profile = await mkdtemp(join(tmpdir(), 'codex-light-page-'))
    const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
    const complaints: string[] = []
    context.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    context.on('weberror', (error) => complaints.push(String(error.error())))
    try {
      const tab = await context.newPage()
      await tab.goto(url)
      const demo = tab.getByTestId('demo')
      await demo.getByRole('status').waitFor({ timeout: 30_000 })
      // Before anybody joins, and beside the invitation to.
      await tab.getByRole('button', { name: 'Sell from this tab' }).waitFor()
      await tab.evaluate(() => {
        const seen: Record<string, string[]> = {}
        setInterval(() => {
          for (const row of document.querySelectorAll('[data-testid=demo] [data-testid=slots] tbody tr')) {
            const slot = /#\d+/.exec(row.querySelector('th')?.textContent ?? '')?.[0] ?? ''
            const states = (seen[slot] ??= [])
            const state = row.getAttribute('data-state') ?? ''
            if (states.at(-1) !== state) states.push(state)
          }
          Object.assign(window, { seen })
        }, 100)
      })
      await whileItRuns(demo.locator('tr[data-state=SaleProving]').first().waitFor({ timeout: PATIENCE_MS }))
      const proven = demo.getByTestId('next-proof').filter({ hasText: 'in for this period' })
      await whileItRuns(proven.first().waitFor({ timeout: PATIENCE_MS }))
      await screenshot(tab, 'demo-proves')
      await whileItRuns(demo.locator('tr[data-state=SaleFinished]').nth(2).waitFor({ timeout: PATIENCE_MS }))
      await expect.poll(() => said, { timeout: PATIENCE_MS }).toContain('All slots are paid')
      await screenshot(tab, 'demo-paid')
      await expect(demo.innerText()).resolves.toMatch(/Paid out so far\n+(?!0 )/)
      const seen = await tab.evaluate(() => (window as unknown as { readonly seen: Seen }).seen)
      const stories = Object.values(seen)
      expect(stories).toHaveLength(3)
      // A look a second may miss a short phase, but none comes before an earlier one.
      for (const states of stories) {
        expect(states.at(-1)).toBe('SaleFinished')
        expect(states).toEqual(expect.arrayContaining(['SaleInitialProving', 'SaleProving']))
      }
      // One click, as the invitation promises: the client buys once more, and a slot of that is filled and proven by this tab.
      await tab.getByRole('button', { name: 'Sell from this tab' }).click()
      const own = tab.locator('tr[data-state=SaleProving]:not([data-testid=demo] *)')
      await whileItRuns(own.first().waitFor({ timeout: PATIENCE_MS }))
      const proofs = () => own.first().getByTestId('proofs').innerText()
      await whileItRuns(expect.poll(proofs, { timeout: PATIENCE_MS }).toMatch(/[1-9]/))
      await screenshot(tab, 'demo-joined')
      expect(complaints).toEqual([])
    } finally {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 3 })
    }
    child.kill('SIGINT')
    const { stderr } = await ended
    // A machine that proves in a tab as well may be late enough to be warned.
    const complained = stderr
      .split('\n')
      .filter((line) => line !== '' && !line.includes('is due and not in the chain yet'))
    expect(complained).toEqual([])
    expect(demoFolders().filter((name) => !before.includes(name))).toEqual([])
  },
  4 * PATIENCE_MS,
)
