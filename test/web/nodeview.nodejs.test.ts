// The page that a node of the command line serves: it shows that node, through REST and with its token, and runs none in the tab.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type BrowserContext, chromium, type Page } from 'playwright'
import { expect, test } from 'vitest'

import { PAGE_HEADERS } from '../../src/cli/servepage.ts'
import { findChromium } from '../chromium.ts'
import { noise, scratchFolder, start as startCommand } from '../cli/command.ts'
import { type StartedNode, startNode, stopWell } from '../cli/startednode.ts'
import { QUICK_CIRCUIT, QUICK_SHAPE } from '../node/nodeworld.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { choose, screenshot } from './openpage.ts'

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 120_000

test('shows the node that serves it, to whoever has its token, and to no page of another site', async () => {
  const node = await startNode(join(scratchFolder(), 'data'), ['--api-token', 'one-that-people-know'])
  const start = await fetch(node.api)
  const policy = 'content-security-policy'
  expect([start.status, start.headers.get(policy)]).toEqual([200, PAGE_HEADERS['Content-Security-Policy']])
  expect((await fetch(node.api, { headers: { Origin: 'https://evil.example' } })).status).toBe(403)
  for (const path of ['api', 'api/v1/status', 'api/codex/v1/space', 'API/v1/status'])
    expect([path, (await fetch(`${node.api}${path}`)).status]).toEqual([path, 401])
  for (const path of ['%61pi/v1/status', 'x/%2e%2e/api/v1/status', '/api/v1/status'])
    expect([path, [400, 401, 404].includes((await fetch(`${node.api}${path}`)).status)]).toEqual([path, true])

  const profile = await mkdtemp(join(tmpdir(), 'codex-light-nodeview-'))
  const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
  const complaints: string[] = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  try {
    const tab = await context.newPage()
    await tab.goto(node.api)
    await tab.locator('input[name=token]').fill('another one altogether')
    await tab.getByRole('button', { name: 'Show the node' }).click()
    await tab.locator('input[name=token]').waitFor()
    const { token } = JSON.parse(readFileSync(join(node.dataDir, 'api.json'), 'utf8')) as { readonly token: string }
    await tab.locator('input[name=token]').fill(token)
    await tab.getByRole('button', { name: 'Show the node' }).click()
    await tab.getByTestId('space').getByTestId('used').filter({ hasText: '0 B' }).waitFor()
    await tab.getByText(node.peerId).waitFor()
    await tab.getByText('takes no part in the marketplace').waitFor()
    expect(await tab.evaluate(async () => (await indexedDB.databases()).length)).toBe(0)

    // Its files: one that is dropped here, one that came to the node by another way.
    const bytes = Buffer.from(noise(3 * 65_536 + 7, 3))
    await choose(tab, 'holiday.bin', bytes)
    const rows = tab.getByTestId('file')
    await rows.filter({ hasText: 'holiday.bin' }).waitFor()
    const headers = { Authorization: `Bearer ${token}`, 'Content-Disposition': 'attachment; filename="other.txt"' }
    const stored = await fetch(`${node.api}api/codex/v1/data`, { method: 'POST', headers, body: 'something else' })
    expect(stored.status).toBe(200)
    await rows.filter({ hasText: 'other.txt' }).waitFor()
    await tab.evaluate(() => Reflect.deleteProperty(window, 'showSaveFilePicker'))
    const [saved] = await Promise.all([
      tab.waitForEvent('download'),
      tab.getByRole('button', { name: 'Save holiday.bin' }).click(),
    ])
    expect(saved.suggestedFilename()).toBe('holiday.bin')
    expect(Buffer.compare(readFileSync(await saved.path()), bytes)).toBe(0)
    await screenshot(tab, 'node-files')
    await tab.getByRole('button', { name: 'Remove holiday.bin' }).click()
    await tab.getByRole('button', { name: 'Remove it' }).click()
    await rows.filter({ hasText: 'holiday.bin' }).waitFor({ state: 'detached' })
    const left = (await (await fetch(`${node.api}api/codex/v1/data`, { headers })).json()) as { content: object[] }
    expect(left.content).toMatchObject([{ manifest: { filename: 'other.txt' } }])
    await stopWell(node)
    await tab.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor()
    expect(complaints).toEqual([])
  } finally {
    await context.close()
    await rm(profile, { recursive: true, force: true, maxRetries: 3 })
  }
})

interface LocalChain {
  readonly endpoint: string
  readonly marketplace: string
  readonly accounts: readonly { readonly privateKey: string }[]
}

async function startChain(folder: string, verificationKey: string): Promise<LocalChain> {
  const terms = ['--period', '60s', '--downtime', '1', '--block-time', '1s', '--verification-key', verificationKey]
  const { child, ended } = startCommand(['devnet', '--json', ...terms, '--deployment', join(folder, 'deployment.json')])
  let text = ''
  return new Promise((resolve, reject) => {
    child.stdout.on('data', (part: string) => {
      text += part
      if (text.includes('\n')) resolve(JSON.parse(text) as LocalChain)
    })
    void ended.then(({ stderr }) => reject(new Error(`devnet ended: ${stderr}`)))
  })
}

function tokenOf({ dataDir }: StartedNode): string {
  return (JSON.parse(readFileSync(join(dataDir, 'api.json'), 'utf8')) as { readonly token: string }).token
}

async function pageOf(context: BrowserContext, node: StartedNode): Promise<Page> {
  const tab = await context.newPage()
  await tab.goto(node.api)
  await tab.locator('input[name=token]').fill(tokenOf(node))
  await tab.getByRole('button', { name: 'Show the node' }).click()
  return tab
}

// Two nodes with a chain and a circuit between them: minutes, where others are at work.
test.runIf(IS_LONG)(
  'of a node that sells it changes the terms and shows its slots; of one that buys, its purchases',
  async () => {
    const folder = scratchFolder()
    const circuits = join(folder, 'circuits')
    mkdirSync(circuits)
    const circuit = await circuitWithKeys(QUICK_CIRCUIT)
    writeFileSync(join(circuits, 'proof_main.wasm'), circuit.wasm)
    writeFileSync(join(circuits, 'proof_main.zkey'), circuit.zkey)
    const verification = join(circuits, 'proof_main_verification_key.json')
    writeFileSync(verification, JSON.stringify(circuit.verificationKey))
    const chain = await startChain(folder, verification)
    const market = (account: number): string[] => {
      const file = join(folder, `key${account}`)
      writeFileSync(file, `${chain.accounts[account]?.privateKey}\n`, { mode: 0o600 })
      return ['--eth-provider', chain.endpoint, '--marketplace-address', chain.marketplace, '--eth-private-key', file]
    }
    const client = await startNode(join(folder, 'client'), ['persistence', ...market(1)])
    const shape = ['--proof-samples', String(QUICK_SHAPE.samples), '--max-slot-depth', String(QUICK_SHAPE.slotDepth)]
    const provider = await startNode(join(folder, 'provider'), [
      ...['persistence', 'prover', ...market(2), '-b', client.addresses[0] ?? '', '--circuit-dir', circuits],
      ...[...shape, '--max-dataset-depth', String(QUICK_SHAPE.datasetDepth)],
    ])
    const profile = await mkdtemp(join(tmpdir(), 'codex-light-nodeview-'))
    const context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), headless: true })
    context.setDefaultTimeout(PATIENCE_MS)
    try {
      const tab = await pageOf(context, provider)
      const terms = tab.getByTestId('terms')
      await terms.getByLabel('Space').fill('1000 GiB')
      await terms.getByRole('button', { name: 'Offer this' }).click()
      await terms.getByTestId('terms-said').filter({ hasText: 'is the most that fits' }).waitFor()
      await terms.getByLabel('Space').fill('16 MiB')
      await terms.getByLabel('Price').fill('0.001')
      await terms.getByLabel('Collateral').fill('0.000000001')
      await terms.getByRole('button', { name: 'Offer this' }).click()
      // What is offered is folded away until somebody wants to change it.
      await terms.getByText('Terms: 16 MiB').click()
      await terms.getByLabel('Space').fill('12 MiB')
      await terms.getByRole('button', { name: 'Sell on these terms' }).click()
      await terms.getByText('Terms: 12 MiB').waitFor()

      const headers = { Authorization: `Bearer ${tokenOf(client)}` }
      const stored = await fetch(`${client.api}api/v1/datasets?filename=a.bin`, {
        ...{ method: 'POST', headers },
        body: Uint8Array.from(noise(3 * 65_536, 1)),
      })
      const { cid } = (await stored.json()) as { readonly cid: string }
      const asked = await fetch(`${client.api}api/v1/purchases/${cid}`, {
        ...{ method: 'POST', headers },
        body: JSON.stringify({
          ...{ duration: 6000, expiry: 3000, proofProbability: '1', pricePerBytePerSecond: '3' },
          ...{ collateralPerByte: '5', nodes: 3, tolerance: 1 },
        }),
      })
      expect(asked.status).toBe(201)
      const filled = tab.locator('tr[data-state=SaleProving]')
      await filled.nth(2).waitFor()
      const row = await filled.first().innerText()
      expect(row).toContain('128 KiB')
      expect(row).not.toContain('unknown')
      expect(await tab.getByTestId('node').innerText()).toMatch(/Balance\s+[\d.\u202f]+ (wei|tokens)/)
      await tab.getByTestId('peers').locator('summary').filter({ hasText: '1 peer' }).click()
      await tab.getByTestId('peers').getByText('TCP').waitFor()
      await screenshot(tab, 'node-sells')
      const buyer = await pageOf(context, client)
      const placed = buyer.getByTestId('bought').locator('li', { hasText: '3 of 3 slots with a provider' })
      await placed.waitFor()
      expect(await buyer.getByText('takes no part in the marketplace').count()).toBe(0)
      await choose(buyer, 'mine.bin', Buffer.from(noise(3 * 65_536, 2)))
      const corner = buyer.getByTestId('client')
      await corner.getByLabel('Keep it for').fill('2h')
      await corner.getByLabel('Price, tokens per GiB').fill('0.01')
      await corner.getByTestId('quote').filter({ hasText: '3 slots of 128 KiB for 2h cost' }).waitFor()
      await corner.getByRole('button', { name: 'Buy storage' }).click()
      await placed.nth(1).waitFor()
      await expect.poll(() => filled.count(), { timeout: PATIENCE_MS }).toBe(6)
      await screenshot(buyer, 'node-buys')
    } finally {
      await context.close()
      await rm(profile, { recursive: true, force: true, maxRetries: 3 })
      await Promise.all([stopWell(client), stopWell(provider)])
    }
  },
  6 * PATIENCE_MS,
)
