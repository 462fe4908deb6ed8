// A tab and a Node client over WebSocket: real Chromium, real sockets, blocks both ways.

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Browser, Page } from 'playwright'
import { chromium } from 'playwright'
import type { PreviewServer } from 'vite'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { findChromium } from '../chromium.ts'
import { range } from '../fakes/exchangepeers.ts'
import { NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import { networkNode } from '../fakes/networknodes.ts'
import type { Tab } from './tab.page.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BLOCKS = 150
const BLOCK_BYTES = 65_536

let folder = ''
let server: PreviewServer | undefined
let browser: Browser | undefined
let node: NetworkNode | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-light-tab-'))
  await build({
    root: ROOT,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      target: 'es2022',
      outDir: folder,
      emptyOutDir: true,
      modulePreload: false,
      rolldownOptions: { input: join(ROOT, 'test/exchange/tab.page.ts'), output: { entryFileNames: 'page.js' } },
    },
  })
  await writeFile(join(folder, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>')
  server = await preview({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 0 },
  })
  browser = await chromium.launch({ ...(await findChromium()), headless: true })
  node = await networkNode({ listen: ['/ip4/127.0.0.1/tcp/0/ws'] })
})

afterAll(async () => {
  await browser?.close()
  await node?.stop()
  await server?.close()
  await rm(folder, { recursive: true, force: true })
})

it('a tab fetches from a Node client, and serves it', async () => {
  if (node === undefined || browser === undefined) throw new Error('beforeAll has not run')
  const page: Page = await browser.newPage()
  await page.goto(server?.resolvedUrls?.local[0] ?? '')
  await page.waitForFunction(() => 'codexLightTab' in globalThis)
  const { manifest } = await node.datasets.upload(streamOf(seededBytes(BLOCKS * BLOCK_BYTES, 1)), { signal: NEVER })
  const peerId = await page.evaluate(
    (address) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.connect(address),
    `${node.network.addresses()[0]}/p2p/${node.id}`,
  )
  const fetched = await page.evaluate(
    ([tree, count]) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.fetch(tree, count),
    [String(manifest.treeCid), BLOCKS] as const,
  )
  expect(fetched).toEqual({ root: String(manifest.treeCid.digest), bytes: BLOCKS * BLOCK_BYTES })
  expect(node.exchange.peers().map((peer) => peer.peerId)).toEqual([peerId])

  const treeCid = parseCid(
    await page.evaluate(
      (bytes) => (globalThis as unknown as { codexLightTab: Tab }).codexLightTab.give(bytes),
      40 * BLOCK_BYTES,
    ),
  )
  const sink = storeLeaves(node.repo, treeCid, 40)
  await fetchLeaves(node.exchange, {
    treeCid,
    leafCount: 40,
    indices: range(40),
    sink,
    signal: NEVER,
    stallSeconds: 30,
  })
  const blocks = await node.repo.getAt(treeCid, range(40))
  expect(blocks.filter((block) => block?.length === BLOCK_BYTES)).toHaveLength(40)
})
