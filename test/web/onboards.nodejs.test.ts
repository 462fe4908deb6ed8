// Onboarding as a person does it, on a network that no demo serves: a key made on the page, the network's addresses typed in and looked at, terms, and a slot sold. Then
// unlocked again, as after a night.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

import type { Page } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'

import { BUILT_PAGE, openPage, type PageUnderTest, role, screenshot } from './openpage.ts'
import { TabWorld } from './tabworld.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 120_000
const PASSWORD = 'correct horse battery'
/** Three proofs of the full circuit fit into a period, and the last period ends before the test loses its patience. */
const SALE = { duration: 360, expiry: 300 }
const WALLET = `0x${'ab'.repeat(20)}`

let under: PageUnderTest
let world: TabWorld
let files: Server

beforeAll(async () => {
  under = await openPage(BUILT_PAGE)
  if (!IS_LONG) return
  world = await TabWorld.start({ ...SALE, isFull: true, period: 60 })
  files = await serveCircuit(world.folder)
}, PATIENCE_MS)

afterAll(async () => {
  await under.close()
  if (!IS_LONG) return
  files.close()
  await world.stop()
}, PATIENCE_MS)

afterEach(async () => {
  for (const page of under.context.pages()) if (page.url().startsWith(under.url)) await page.close()
})

/** As a host of files for pages does it. */
async function serveCircuit(folder: string): Promise<Server> {
  const server = createServer((request, response) => {
    const name = /^\/(circuit\.(?:wasm|zkey)|sha256\.json)$/.exec(request.url ?? '')?.[1]
    response.setHeader('Access-Control-Allow-Origin', '*')
    if (name === undefined) return void response.writeHead(404).end()
    void stat(join(folder, name)).then(({ size }) => {
      response.setHeader('Content-Length', size)
      if (request.method === 'HEAD') response.end()
      else createReadStream(join(folder, name)).pipe(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

async function makeKey(tab: Page): Promise<void> {
  await role(tab, 'Running').waitFor()
  await tab.getByRole('button', { name: 'Set up in three steps' }).click()
  await tab.getByLabel(/^Password/).fill(PASSWORD)
  await tab.getByLabel('The password again').fill(PASSWORD)
  await tab.getByRole('button', { name: 'Make a key' }).click()
  await tab.getByRole('button', { name: 'Go on' }).click()
}

test(
  'a key is made with a password, kept encrypted, and asked for again after a reload; keys lead from step to step, and bad input is one sentence',
  async () => {
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Set up in three steps' }).press('Enter')
    await tab.getByLabel(/^Password/).fill('short')
    await tab.getByLabel('The password again').fill('short')
    await tab.getByLabel('The password again').press('Enter')
    await tab.getByRole('alert').filter({ hasText: 'at least 8 characters' }).waitFor()
    await tab.getByLabel(/^Password/).fill(PASSWORD)
    await tab.getByLabel(/^Password/).press('Tab')
    await tab.keyboard.type(PASSWORD)
    await tab.keyboard.press('Tab')
    await tab.keyboard.press('Enter')
    const saving = tab.waitForEvent('download')
    await tab.getByRole('button', { name: 'Save a copy, encrypted' }).press('Enter')
    expect((await saving).suggestedFilename()).toMatch(/^codex-light-[0-9a-f]{8}\.json$/)
    await tab.getByRole('button', { name: 'Go on' }).press('Enter')
    // The next step is open, and has the focus.
    await expect.poll(() => tab.evaluate(() => document.activeElement?.textContent)).toBe('The network')
    await tab.getByLabel('Endpoint of the chain').fill('ftp://nowhere')
    await tab.getByLabel('Bridge to the network').fill('nonsense')
    await tab.getByLabel('Circuit: address').fill('https://files.example/circuit')
    await tab.getByRole('button', { name: 'Check this network' }).click()
    await tab
      .getByRole('alert')
      .filter({ hasText: /^Bridge: expected a multiaddr/ })
      .waitFor()
    await screenshot(tab, 'onboarding')
    await tab.setViewportSize({ width: 320, height: 700 })
    for (const colorScheme of ['light', 'dark'] as const) {
      await tab.emulateMedia({ colorScheme })
      expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
      await screenshot(tab, `onboarding-${colorScheme}-320`)
    }
    await tab.reload()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Set up in three steps' }).click()
    await tab.getByLabel('Password').fill('wrong password')
    await tab.getByRole('button', { name: 'Unlock' }).click()
    await tab.getByRole('alert').filter({ hasText: 'password' }).waitFor()
    await tab.getByLabel('Password').fill(PASSWORD)
    await tab.getByRole('button', { name: 'Unlock' }).click()
    await tab.getByLabel('Endpoint of the chain').waitFor()
    expect(under.complaints.splice(0)).toEqual([])
    // Opening a key takes a second of computing by intent, and it is done three times.
  },
  3 * PATIENCE_MS,
)

// Needs the circuit's real shape: slots of the small one are not what the page expects of a network.
test.runIf(IS_LONG)(
  'a network is looked at in sentences, a wallet takes the rewards, after a night the key is unlocked to go on, and what is sold then is paid into the wallet',
  async () => {
    const tab = await under.context.newPage()
    await tab.addInitScript((address) => {
      const provider = {
        request: async ({ method }: { method: string }) => (method === 'eth_chainId' ? '0x7a69' : [address]),
      }
      window.addEventListener('eip6963:requestProvider', () =>
        window.dispatchEvent(
          new CustomEvent('eip6963:announceProvider', { detail: { info: { name: 'Test Wallet' }, provider } }),
        ),
      )
    }, WALLET)
    await tab.goto(under.url)
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Set up in three steps' }).click()
    const unlock = tab.getByRole('button', { name: 'Unlock' })
    const make = tab.getByRole('button', { name: 'Make a key' })
    await unlock.or(make).waitFor()
    if (await make.isVisible()) {
      await tab.reload()
      await makeKey(tab)
    } else {
      await tab.getByLabel('Password').fill(PASSWORD)
      await unlock.click()
    }
    const { port } = files.address() as AddressInfo
    await tab.getByLabel('Endpoint of the chain').fill(world.endpoint.endpoint)
    await tab.getByLabel('Marketplace contract').fill(world.devnet.contracts.marketplace)
    const { bootstrap } = world.demo.facts() as { readonly bootstrap: readonly string[] }
    await tab.getByLabel('Bridge to the network').fill(bootstrap[0] ?? '')
    await tab.getByLabel('Circuit: address').fill(`http://127.0.0.1:${port}`)
    await tab.getByRole('button', { name: 'Check this network' }).click()
    const findings = tab.getByTestId('findings')
    await findings.locator('li').filter({ hasText: 'circuit' }).waitFor({ timeout: PATIENCE_MS })
    // The key has no coins yet, and is told so.
    const noCoins = findings.locator('[data-finding=bad]').filter({ hasText: 'no coins for gas' })
    await noCoins.waitFor()
    await screenshot(tab, 'onboarding-network')
    const address = /0x[0-9a-f]{40}/.exec(await noCoins.innerText())?.[0] ?? ''
    await world.devnet.fund(address)
    await tab.getByRole('button', { name: 'Go on' }).last().click()
    await tab.getByRole('button', { name: 'Send rewards to Test Wallet' }).click()
    await tab.getByTestId('wallets').filter({ hasText: WALLET }).waitFor()
    await tab.getByLabel(/^Price/).fill('0')
    await tab.getByRole('button', { name: 'Start selling' }).click()
    await tab
      .getByTestId('terms-said')
      .filter({ hasText: /^Price: expected/ })
      .waitFor()
    await tab.getByLabel(/^Price/).fill('1')
    await screenshot(tab, 'onboarding-terms')
    await tab.getByRole('button', { name: 'Start selling' }).click()
    await tab.getByTestId('stance').waitFor({ timeout: PATIENCE_MS })
    expect(await tab.getByTestId('host').getAttribute('title')).toBe(address)
    await tab.reload()
    await tab.getByLabel('Password').fill(PASSWORD, { timeout: PATIENCE_MS })
    await tab.getByRole('button', { name: 'Unlock' }).click()
    await tab.getByTestId('stance').waitFor({ timeout: PATIENCE_MS })
    expect(await tab.getByTestId('host').getAttribute('title')).toBe(address)
    // What it was set up for: slots sold, proven and paid, and the reward in the wallet.
    expect(await world.tokensOf(WALLET)).toBe(0n)
    await world.demo.request()
    const proving = tab.locator('tr[data-state=SaleProving]').first()
    await proving.waitFor({ timeout: 3 * PATIENCE_MS })
    await expect.poll(() => proving.getByTestId('proofs').innerText(), { timeout: PATIENCE_MS }).toMatch(/[1-9]/)
    await screenshot(tab, 'onboarding-sold')
    await tab
      .locator('tr[data-state=SaleFinished]')
      .first()
      .waitFor({ timeout: 4 * PATIENCE_MS })
    expect(await world.tokensOf(WALLET)).toBeGreaterThan(0n)
  },
  12 * PATIENCE_MS,
)
