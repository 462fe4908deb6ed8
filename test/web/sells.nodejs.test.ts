// A provider in the tab as a person would run it: a real chain, a real client over WebSocket, proofs of a small circuit that the chain verifies.

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { DemoTab } from '../../src/cli/demotab.ts'
import { DEFAULT_CONFIGURATION } from '../../src/devnet/configuration.ts'
import type { DevnetArtefacts } from '../../src/devnet/contractartefact.ts'
import { type Devnet, startDevnet } from '../../src/devnet/startdevnet.ts'
import { MiB } from '../../src/lib/units.ts'
import type * as NodejsEntry from '../../src/entries/node.nodejs.ts'
import type { NodejsNode } from '../../src/nodejs.ts'
import { bundleModule } from '../bundlemodule.ts'
import { compileContracts } from '../compilecontracts.ts'
import { NEVER, QUICK_CIRCUIT, QUICK_SHAPE, upload } from '../node/nodeworld.ts'
import { circuitWithKeys } from '../proving/keys.ts'
import { BUILT_PAGE, openPage, type PageUnderTest, role, screenshot } from './openpage.ts'

/** Misses are cheap and may be many: on a busy machine a proof may come too late, and the next one counts as well. */
const CONFIGURATION = {
  ...DEFAULT_CONFIGURATION,
  collateral: { ...DEFAULT_CONFIGURATION.collateral, maxNumberOfSlashes: 50, slashPercentage: 1 },
  proofs: { ...DEFAULT_CONFIGURATION.proofs, period: 20, timeout: 15, downtime: 32 },
}

const IS_LONG = Boolean(import.meta.env['LONG'])
const PATIENCE_MS = 90_000

let folder: string
let devnet: Devnet
let client: NodejsNode
let under: PageUnderTest
const ended = new AbortController()
const told: string[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-light-sells-'))
  const { wasm, zkey, verificationKey } = await circuitWithKeys(QUICK_CIRCUIT)
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  await writeFile(join(folder, 'circuit.wasm'), wasm)
  await writeFile(join(folder, 'circuit.zkey'), zkey)
  await writeFile(join(folder, 'sha256.json'), JSON.stringify({ wasm: sha256(wasm), zkey: sha256(zkey) }))
  devnet = await startDevnet({
    ...NEVER,
    artefacts: (await compileContracts()) as unknown as DevnetArtefacts,
    configuration: CONFIGURATION,
    verificationKey,
    blockSeconds: 1,
  })
  const url = await bundleModule(fileURLToPath(new URL('../../src/entries/node.nodejs.ts', import.meta.url)))
  const { createNode } = (await import(/* @vite-ignore */ url.href)) as typeof NodejsEntry
  client = (await createNode({
    dataDir: join(folder, 'client'),
    roles: ['client'],
    listen: ['/ip4/127.0.0.1/tcp/0/ws'],
    ethProvider: devnet.endpoint,
    marketplace: devnet.contracts.marketplace,
    key: devnet.accounts[1]?.privateKey,
    quotaBytes: 64 * MiB,
    pollSeconds: 1,
  })) as NodejsNode
  const demo = new DemoTab({
    devnet,
    client,
    provider: undefined,
    circuitShape: QUICK_SHAPE,
    signal: ended.signal,
    tell: (line) => told.push(line),
  })
  demo.offer(await upload(client, 150_000))
  under = await openPage(BUILT_PAGE, folder, demo)
})

afterAll(async () => {
  ended.abort()
  await under.close()
  await client.stop()
  await devnet.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

/** From the chain, not from the page. */
async function proofsInChain(): Promise<number> {
  let count = 0
  const market = client.trade?.market
  for await (const event of market?.pastEvents({ ...NEVER, from: 0 }) ?? [])
    if (event.type === 'ProofSubmitted') count++
  return count
}

/** A slot of the tab's is filled. Says what the page shows where it is not. */
async function untilFilled(tab: Page): Promise<void> {
  const row = tab.locator('tr[data-state=SaleFilled], tr[data-state=SaleProving]').first()
  await row.waitFor({ timeout: PATIENCE_MS }).catch(async (cause: unknown) => {
    throw new Error(await tab.locator('main').innerText(), { cause })
  })
}

// Periods of a chain, and two starts of a node with its prover: for a machine that does nothing else.
test.runIf(IS_LONG)(
  'one click sells from the tab: its slots are filled and proven in the chain, also after a reload',
  async () => {
    const tab = await under.open()
    await role(tab, 'Running').waitFor()
    await tab.getByRole('button', { name: 'Sell from this tab' }).click()
    await tab.getByTestId('stance').filter({ hasText: 'waiting for a request' }).waitFor()
    await tab.getByRole('button', { name: 'Have the client buy storage' }).click()
    await untilFilled(tab)
    await expect.poll(() => told).toContainEqual(expect.stringContaining('is filled by the tab'))
    // Each fill carries one.
    await expect.poll(proofsInChain).toBeGreaterThan(0)
    await screenshot(tab, 'sells')
    await tab.setViewportSize({ width: 320, height: 700 })
    expect(await tab.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320)
    await screenshot(tab, 'sells-narrow')
    const before = await proofsInChain()
    await tab.reload()
    await untilFilled(tab)
    await expect.poll(proofsInChain, { timeout: PATIENCE_MS }).toBeGreaterThan(before)
    await tab.close()
    // A busy machine may prove too late once, and says so; nothing else is to be complained about.
    expect(under.complaints.splice(0).filter((each) => !each.startsWith('sales: a proof '))).toEqual([])
  },
  4 * PATIENCE_MS,
)
