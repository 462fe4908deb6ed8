// A provider in a tab of a real Chromium sells slots to a client in Node, over WebSocket, with real proofs; its page is closed again and again, and it goes on.
// `LONG` closes it as many times as that says, where it is a number above 1.

import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { BrowserContext, Page } from 'playwright'
import { chromium } from 'playwright'
import type { PreviewServer } from 'vite'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { MiB } from '../../src/lib/units.ts'
import { storageProofMain } from '../../wasm/circuit/templates.ts'
import { findChromium } from '../chromium.ts'
import { ROOT } from '../proving/compilefortests.ts'
import { keysForTests } from '../proving/keysfortests.ts'
import {
  addressOf,
  buy,
  keyOf,
  NodeWorld,
  peerAddress,
  purchaseState,
  QUICK_CIRCUIT,
  QUICK_SHAPE,
  RICH,
  upload,
} from './nodeworld.ts'
import type { Pace } from './patienttime.ts'
import type { Tab, TabLook, TabOptions } from './tab.page.ts'

const LONG = Number(import.meta.env['LONG'])
const CLOSINGS = LONG > 1 ? LONG : LONG === 1 ? 50 : 3
const POINTS = ['SaleDownloading', 'SaleFilling', 'SaleProving'] as const
const OFFER = { totalSize: 4 * MiB, duration: 2000, totalCollateral: String(10n ** 9n) }

let folder = ''
let server: PreviewServer | undefined
let context: BrowserContext | undefined
let world: NodeWorld | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-light-tab-'))
  await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      target: 'es2022',
      outDir: join(folder, 'page'),
      modulePreload: false,
      rolldownOptions: { input: join(ROOT, 'test/node/tab.page.ts'), output: { entryFileNames: 'page.js' } },
    },
  })
  const keys = await keysForTests(storageProofMain(QUICK_CIRCUIT))
  await copyFile(ROOT + keys.wasm, join(folder, 'page', 'circuit.wasm'))
  await copyFile(ROOT + keys.zkey, join(folder, 'page', 'circuit.zkey'))
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>')
  server = await preview({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: { outDir: join(folder, 'page') },
    preview: { host: '127.0.0.1', port: 0 },
  })
  context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...(await findChromium()),
    headless: true,
  })
}, 300_000)

afterAll(async () => {
  await context?.close()
  await server?.close()
  await world?.stop()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
}, 120_000)

class ProviderTab {
  readonly page: Page
  readonly #release: () => void
  #isTelling = false
  #pace: Pace = 'slow'
  states: readonly string[] = []

  constructor(page: Page, given: NodeWorld) {
    this.page = page
    // The page is told of a step once it has heard of the one before: until then there is none.
    this.#release = given.time.attend({
      pace: () => (this.#isTelling ? 'stand' : this.#pace),
      tell: (nowMs) => void this.#tell(nowMs),
    })
  }

  static async open(options: TabOptions, given: NodeWorld): Promise<ProviderTab> {
    const page = await (context as BrowserContext).newPage()
    await page.goto(server?.resolvedUrls?.local[0] ?? '')
    await page.waitForFunction(() => 'codexLightTab' in globalThis)
    const tab = new ProviderTab(page, given)
    await page.evaluate(
      (asked) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.start(asked),
      options,
    )
    return tab
  }

  look(): Promise<TabLook> {
    return this.page.evaluate(() => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.look())
  }

  /** With nothing put away. */
  async close(): Promise<void> {
    this.#release()
    await this.page.close()
  }

  async #tell(nowMs: number): Promise<void> {
    this.#isTelling = true
    try {
      const told = await this.page.evaluate(
        (now) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.advance(now),
        nowMs,
      )
      this.#pace = told.pace
      this.states = told.states
    } catch {
      // The page was closed in the middle.
    } finally {
      this.#isTelling = false
    }
  }
}

test.runIf(import.meta.env['LONG'])(
  `a tab sells slots to a client in Node; closed ${CLOSINGS} times, it loses nothing`,
  async () => {
    const given = await NodeWorld.start()
    world = given
    const client = await given.node('client', { account: 1, roles: ['client'], listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    const open = (): Promise<ProviderTab> =>
      ProviderTab.open(
        {
          ethProvider: given.anvil.endpoint,
          marketplace: given.deployment.marketplace,
          key: keyOf(2),
          bootstrap: [peerAddress(client)],
          circuitShape: QUICK_SHAPE,
          quotaBytes: 16 * MiB,
          nowMs: given.time.readMs(),
          offer: OFFER,
        },
        given,
      )
    let tab = await open()
    for (let closed = 0, round = 1; closed < CLOSINGS; round++) {
      const request = await buy(client, await upload(client, 5 * 65_536, round), {
        duration: 410,
        expiry: 400,
        proofProbability: 4n,
      })
      for (const point of POINTS.slice(0, CLOSINGS - closed)) {
        await given.until(point, () => tab.states.includes(point) || purchaseState(client, request) === 'finished')
        await tab.close()
        tab = await open()
        expect((await tab.look()).problems).toEqual([])
        closed++
      }
      await given.until('finished', () => purchaseState(client, request) === 'finished')
      await given.until('over', async () => (await tab.look()).reservations === 0)
    }
    const look = await tab.look()
    expect(look).toMatchObject({
      problems: [],
      freeBytes: OFFER.totalSize,
      remainingCollateral: OFFER.totalCollateral,
    })
    const gained = (await given.tokensOf(addressOf(2))) - RICH
    expect(gained).toBeGreaterThan(0n)
    expect(gained).toBe(RICH - (await given.tokensOf(addressOf(1))))
    await tab.page.evaluate(() => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.stop())
  },
  300_000 + CLOSINGS * 60_000,
)
