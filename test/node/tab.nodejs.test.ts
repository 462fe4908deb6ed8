// A provider in a tab of a real Chromium sells slots to a client in Node, over WebSocket, with real proofs; its page is closed and its workers end again and
// again, and it goes on. `LONG` is how many times, where it is a number above 1, at most 50; three times by default.

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
import type { WorldLogs } from './worldlogs.ts'

const LONG = Number(import.meta.env['LONG'])
const FAULTS = LONG > 1 ? Math.min(LONG, 50) : 3
/** In the life of each request, one list after the other. */
const ROUNDS = [
  [
    { at: 'SaleDownloading', fault: 'the page is closed' },
    { at: 'SaleInitialProving', fault: 'its workers end' },
    { at: 'SaleProving', fault: 'the page is closed' },
  ],
  [
    { at: 'SaleFilling', fault: 'the page is closed' },
    { at: 'SaleProving', fault: 'its workers end' },
    { at: 'SalePayout', fault: 'the page is closed' },
  ],
] as const
const TERMS = { duration: 410, expiry: 400, proofProbability: 4n }
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
  #hasStarted = false
  /** Until it has heard of a step there is no other. */
  #isBusy = false
  #pace: Pace = 'slow'
  /** Of each sale event so far. */
  states: readonly string[] = []

  readonly #logs: WorldLogs

  constructor(page: Page, given: NodeWorld) {
    this.page = page
    this.#logs = given.logs
    this.#release = given.time.attend({
      pace: () => (this.#isBusy || !this.#hasStarted ? 'stand' : this.#pace),
      tell: (nowMs) => void (this.#hasStarted && this.#tell(nowMs)),
    })
  }

  static async open(options: TabOptions, given: NodeWorld): Promise<ProviderTab> {
    const page = await (context as BrowserContext).newPage()
    // Before the page is there: time stands while it loads.
    const tab = new ProviderTab(page, given)
    await page.goto(server?.resolvedUrls?.local[0] ?? '')
    await page.waitForFunction(() => 'codexLightTab' in globalThis)
    await page.evaluate(
      (asked) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.start(asked),
      options,
    )
    tab.#hasStarted = true
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

  /** As when one runs out of memory: an error that nobody catches. @returns how many there were */
  async endWorkers(): Promise<number> {
    const workers = this.page.workers()
    const end = (): void =>
      void setTimeout(() => {
        throw new Error('this worker ends')
      })
    await Promise.all(workers.map((worker) => worker.evaluate(end)))
    return workers.length
  }

  async #tell(nowMs: number): Promise<void> {
    this.#isBusy = true
    try {
      const told = await this.page.evaluate(
        (now) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.advance(now),
        nowMs,
      )
      this.#pace = told.pace
      this.states = told.states
      for (const line of told.said) this.#logs.addLine('tab', line)
    } catch {
      // The page was closed in the middle.
    } finally {
      this.#isBusy = false
    }
  }
}

test(
  `a tab sells slots to a client in Node; closed or left by its workers ${FAULTS} times, it loses nothing, and is paid`,
  async () => {
    const given = await NodeWorld.start()
    world = given
    const client = await given.node('client', { account: 1, roles: ['client'], listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
    const open = (): Promise<ProviderTab> =>
      ProviderTab.open(
        {
          ethProvider: given.endpoint.endpoint,
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
    let reached = 0
    for (let faults = 0, round = 0; faults < FAULTS; round++) {
      const request = await buy(client, await upload(client, 5 * 65_536, round + 1), TERMS)
      const isFinished = (): boolean => purchaseState(client, request) === 'finished'
      const isOver = async (): Promise<boolean> => isFinished() && (await tab.look()).reservations === 0
      for (const { at, fault } of ROUNDS[round % ROUNDS.length]?.slice(0, FAULTS - faults) ?? []) {
        await given.until(at, async () => tab.states.includes(at) || (await isOver()))
        if (tab.states.includes(at)) reached++
        if (fault === 'its workers end') expect(await tab.endWorkers()).toBeGreaterThan(0)
        else {
          await tab.close()
          tab = await open()
        }
        expect((await tab.look()).problems, `${fault} in ${at}`).toEqual([])
        faults++
      }
      await given.until('over', isOver)
    }
    // What was kept beside the blocks goes after the Reservation, once the chain has been asked.
    await given.until('nothing is stored', async () => (await tab.look()).usedBytes === 0)
    const look = await tab.look()
    expect(look).toMatchObject({
      problems: [],
      usedBytes: 0,
      freeBytes: OFFER.totalSize,
      remainingCollateral: OFFER.totalCollateral,
    })
    const gained = (await given.tokensOf(addressOf(2))) - RICH
    expect(gained).toBeGreaterThan(0n)
    expect(look.reward).toBe(String(gained))
    expect(gained).toBe(RICH - (await given.tokensOf(addressOf(1))))
    // Else it would have been in vain.
    expect(reached).toBe(FAULTS)
    const stopMs = await given.time.holdDuring(() =>
      tab.page.evaluate(async () => {
        const begin = performance.now()
        await (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.stop()
        return performance.now() - begin
      }),
    )
    // What a node promises, and twenty times what it takes.
    expect(stopMs).toBeLessThan(5000)
    // The browser tells of their end a moment later.
    await expect.poll(() => tab.page.workers()).toEqual([])
  },
  300_000 + FAULTS * 60_000,
)
