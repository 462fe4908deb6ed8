// `codex-light/market` as a page has it: a key in IndexedDB that outlives the page, reads and transactions over fetch and over WebSocket.

import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright'
import { build } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { NodeKey } from '../../src/market/nodekey.ts'
import { findChromium } from '../chromium.ts'
import { ChainWorld, keyOf, never, RICH } from '../market/chainworld.ts'
import type { Asked, Told } from './marketpage.ts'

const PRIVATE_KEY = '42'.repeat(32)
const PASSWORD = 'open sesame'

async function bundled(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-marketpage-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const input = fileURLToPath(new URL('marketpage.ts', import.meta.url))
  const output = { entryFileNames: 'page.js', codeSplitting: false } as const
  await build({
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    build: {
      target: 'es2022',
      outDir: folder,
      minify: false,
      modulePreload: false,
      rolldownOptions: { input, output },
    },
  })
  return readFile(join(folder, 'page.js'), 'utf8')
}

/** On loopback, as the chain is: a browser lets no other page speak to it. */
async function served(script: string): Promise<string> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

test('a page keeps its key and sends with it, over HTTP and over WebSocket', async () => {
  const [script, world, found] = await Promise.all([bundled(), ChainWorld.start(), findChromium()])
  onTestFinished(() => world.stop())
  const key = NodeKey.fromPrivateKey(PRIVATE_KEY)
  await world.mint(key.address, RICH)
  await world.anvil.rpc.call('anvil_setBalance', [key.address, `0x${(10n ** 20n).toString(16)}`])
  const client = await world.open(0)
  await client.requestStorage(world.request(client.host), never)

  const browser = await chromium.launch(found)
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const origin = await served(script)
  const to = keyOf(3).address
  const send = async (url: string, privateKey: string): Promise<Told> => {
    // Anew each time: what is kept has to be in IndexedDB.
    await page.goto(origin)
    const asked: Asked = { url, marketplace: world.deployment.marketplace, privateKey, password: PASSWORD, to }
    return page.evaluate(
      (one) => (globalThis as unknown as { sendFromWallet(asked: Asked): Promise<Told> }).sendFromWallet(one),
      asked,
    )
  }
  const first = await send(world.anvil.endpoint, PRIVATE_KEY)
  expect(first).toMatchObject({ host: key.address, period: 10, events: ['StorageRequested'] })
  const second = await send(world.anvil.websocket, 'no key: one is kept')
  expect(second).toMatchObject({ host: key.address, keystore: first.keystore, balance: String(RICH - 10n) })
  expect(second.hash).not.toBe(first.hash)
  expect(await world.tokensOf(to)).toBe(RICH + 10n)
  // The same document as a keystore file holds.
  const opened = await NodeKey.fromKeystore(first.keystore, PASSWORD)
  expect(opened.address).toBe(key.address)
  expect(JSON.parse(first.keystore)).toMatchObject({ version: 3, crypto: { kdf: 'scrypt' } })
}, 120_000)
