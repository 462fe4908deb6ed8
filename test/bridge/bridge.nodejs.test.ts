// A tab in a real Chromium that can reach the network only over a bridge, which is a process of its own: what it gets, what it may not, and that it goes on
// where it was when either of them is killed.

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { connect as connectSecurely } from 'node:tls'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { BrowserContext, Page } from 'playwright'
import { chromium } from 'playwright'
import type { PreviewServer } from 'vite'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'

import { findChromium } from '../chromium.ts'
import { document, noise, run, scratchFolder } from '../cli/command.ts'
import type { StartedNode } from '../cli/startednode.ts'
import { startNode, stopWell } from '../cli/startednode.ts'
import type { SlotOrder } from '../exchange/slotfetch.ts'
import { MAX_TABS_PER_ADDRESS } from '../../src/platform/nodejs/admission.ts'
import { faultyProxy } from '../fakes/faultyproxy.ts'
import { selfSigned } from '../fakes/selfsigned.ts'
import { tlsProxy } from '../fakes/tlsproxy.ts'
import type { Tab } from './tab.page.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BLOCK_BYTES = 65_536
/** Of 92 blocks in two data slots. */
const SLOT_BYTES = 46 * BLOCK_BYTES
const WEBSOCKET = ['-i', '/ip4/127.0.0.1/tcp/0/ws', '--bridge']

let folder = ''
let server: PreviewServer | undefined
let context: BrowserContext | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-light-bridge-'))
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
      rolldownOptions: { input: join(ROOT, 'test/bridge/tab.page.ts'), output: { entryFileNames: 'page.js' } },
    },
  })
  await writeFile(join(folder, 'page', 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>')
  server = await preview({
    root: ROOT,
    configFile: false,
    logLevel: 'error',
    build: { outDir: join(folder, 'page') },
    preview: { host: '127.0.0.1', port: 0 },
  })
  const profile = join(folder, 'profile')
  // Of the one certificate that signs itself.
  const trusting = { ignoreHTTPSErrors: true }
  context = await chromium.launchPersistentContext(profile, { ...(await findChromium()), ...trusting, headless: true })
})

afterAll(async () => {
  await context?.close()
  await server?.close()
  await rm(folder, { recursive: true, force: true, maxRetries: 3 })
})

interface OpenTab {
  readonly page: Page
  readonly peerId: string
  fetch(cid: string): ReturnType<Tab['fetch']>
  fetchSlot(order: SlotOrder): ReturnType<Tab['fetchSlot']>
  told(): Promise<readonly number[]>
  receivedBytes(): Promise<number>
  connects(bridge: string): Promise<boolean>
}

async function openTab(bridge: string): Promise<OpenTab> {
  if (context === undefined) throw new Error('beforeAll has not run')
  const page = await context.newPage()
  await page.goto(server?.resolvedUrls?.local[0] ?? '')
  await page.waitForFunction(() => 'codexLightTab' in globalThis)
  const ask = <T>(work: (tab: Tab, text: string) => Promise<T>, text = ''): Promise<T> =>
    page.evaluate(
      ([source, given]) => {
        const work = (0, eval)(source) as (tab: unknown, text: string) => Promise<T>
        return work((globalThis as unknown as { codexLightTab: unknown }).codexLightTab, given)
      },
      [String(work), text] as const,
    )
  return {
    page,
    peerId: await ask((tab, text) => tab.join(text), bridge),
    fetch: (cid) => ask((tab, text) => tab.fetch(text), cid),
    fetchSlot: (order) => ask((tab, text) => tab.fetchSlot(JSON.parse(text) as SlotOrder), JSON.stringify(order)),
    told: () => ask(async (tab) => tab.told()),
    receivedBytes: () => ask(async (tab) => tab.receivedBytes()),
    connects: (address) => ask((tab, text) => tab.connects(text), address),
  }
}

async function upload(node: Pick<StartedNode, 'dataDir'>, bytes: Uint8Array): Promise<string> {
  const path = join(folder, 'file')
  await writeFile(path, bytes)
  const { cid } = await document(['upload', path, '-d', node.dataDir])
  return String(cid)
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const tcp = (node: StartedNode): string => node.addresses.find((address) => !address.includes('/ws')) ?? ''

test('a tab gets what only a TCP node has, checked leaf by leaf', async () => {
  const scratch = scratchFolder()
  const client = await startNode(join(scratch, 'client'))
  const bytes = noise(12_000_000, 3)
  const cid = await upload(client, bytes)
  const bridge = await startNode(join(scratch, 'bridge'), [...WEBSOCKET, '-b', tcp(client)])
  expect(bridge.bridge).toHaveLength(1)
  const tab = await openTab(bridge.bridge[0] ?? '')
  const fetched = await tab.fetch(cid)
  expect(fetched).toEqual({ sha256: sha256(bytes), fetchedBytes: 184 * 65_536, peers: [bridge.peerId] })
  // The client has never met the tab.
  const { peers } = (await document(['peers', '-d', client.dataDir])) as { peers: { peerId: string }[] }
  expect(peers.map(({ peerId }) => peerId)).toEqual([bridge.peerId])
  await tab.page.close()
  await Promise.all([stopWell(client), stopWell(bridge)])
  // What the bridge kept is sound, and it has no dataset of it.
  expect((await document(['space', '--check', '-d', bridge.dataDir]))['problems']).toEqual([])
})

test('a provider in a tab fetches a slot; the tab or the bridge is killed in the middle, and the rest comes after', async () => {
  const scratch = scratchFolder()
  const dataDir = join(scratch, 'client')
  const plain = await upload({ dataDir }, noise(2 * SLOT_BYTES, 4))
  const order = { ...(await document(['protect', plain, '-d', dataDir])), slotIndex: 1 } as unknown as SlotOrder
  const client = await startNode(dataDir)
  // The bridge gets so much and no more before it dies: nothing is whole by then.
  const proxy = await faultyProxy(Number(/\/tcp\/(\d+)/.exec(tcp(client))?.[1]), { stallAfterBytes: 1_500_000 })
  onTestFinished(() => proxy.close())
  const bootstrap = ['-b', `/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${client.peerId}`]
  const first = await startNode(join(scratch, 'bridge'), [...WEBSOCKET, ...bootstrap])
  const [address = ''] = first.bridge
  let tab = await openTab(address)
  const fetching = tab.fetchSlot(order).catch(() => undefined)
  await expect.poll(async () => (await tab.told()).at(-1) ?? 0).toBeGreaterThan(0)
  const stored = (await tab.told()).at(-1) ?? 0
  expect(stored).toBeLessThan(SLOT_BYTES)
  // The tab dies first, with what it had stored by then.
  await tab.page.close()
  await fetching
  tab = await openTab(address)
  const again = tab.fetchSlot(order)
  await expect.poll(async () => (await tab.told()).length).toBeGreaterThan(0)
  const [found = 0] = await tab.told()
  expect(found).toBeGreaterThanOrEqual(stored)
  proxy.faults = {}
  first.child.kill('SIGKILL')
  await first.ended
  const here = (await tab.told()).at(-1) ?? 0
  expect(here).toBeLessThan(SLOT_BYTES)
  // The same folder and so the same peer, at the same address: the tab finds it again by itself.
  const port = /\/tcp\/(\d+)\/ws/.exec(address)?.[1] ?? ''
  const next = await startNode(join(scratch, 'bridge'), [
    ...['-i', `/ip4/127.0.0.1/tcp/${port}/ws`, '--bridge'],
    ...bootstrap,
  ])
  expect(await again).toEqual({ problems: [], paidBytes: SLOT_BYTES })
  expect((await tab.told()).at(-1)).toBe(SLOT_BYTES)
  // What was missing came once.
  expect(await tab.receivedBytes()).toBeLessThanOrEqual(SLOT_BYTES - here + BLOCK_BYTES)
  // The client has never met the tab.
  const { peers } = (await document(['peers', '-d', client.dataDir])) as { peers: { peerId: string }[] }
  expect(new Set(peers.map(({ peerId }) => peerId))).toEqual(new Set([next.peerId]))
  await tab.page.close()
  await Promise.all([stopWell(client), stopWell(next)])
})

interface Knock {
  readonly origin?: string
  readonly path?: string
}

function handshake(host: string, { origin, path = '/' }: Knock): string {
  const head = [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==',
    ...(origin === undefined ? [] : [`Origin: ${origin}`]),
  ]
  return `${head.join('\r\n')}\r\n\r\n`
}

/** The status that a WebSocket handshake is answered with. */
function knock(address: string, given: Knock): Promise<number> {
  const [, host = '', port = ''] = /^\/ip4\/([^/]+)\/tcp\/(\d+)/.exec(address) ?? []
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host, () => socket.write(handshake(`${host}:${port}`, given)))
    socket.on('error', reject)
    socket.once('data', (bytes: Buffer) => {
      socket.destroy()
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(bytes.toString('latin1'))?.[1]))
    })
  })
}

test('lets in pages of known origins with the token', async () => {
  const scratch = scratchFolder()
  await writeFile(join(scratch, 'token'), 'open-sesame_1\n', { mode: 0o600 })
  const bridge = await startNode(join(scratch, 'bridge'), [
    ...[...WEBSOCKET, '--bridge-token-file', join(scratch, 'token')],
    ...['--bridge-origin', 'https://page.example', '--bridge-origin', 'https://other.example'],
  ])
  const [address = ''] = bridge.bridge
  expect(address).toContain('/ws/http-path/open-sesame_1/p2p/')
  const path = '/open-sesame_1'
  expect(await knock(address, { origin: 'https://page.example', path })).toBe(101)
  expect(await knock(address, { origin: 'https://other.example', path })).toBe(101)
  expect(await knock(address, { origin: 'http://localhost:5173', path })).toBe(101)
  expect(await knock(address, { origin: 'https://evil.example', path })).toBe(403)
  expect(await knock(address, { origin: 'https://page.example.evil.example', path })).toBe(403)
  expect(await knock(address, { origin: 'http://localhost.evil.example', path })).toBe(403)
  expect(await knock(address, { origin: 'null', path })).toBe(403)
  expect(await knock(address, { path })).toBe(101)
  for (const wrong of ['/', '/open-sesame_', '/open-sesame_1/', '/open-sesame_12'])
    expect(await knock(address, { origin: 'https://page.example', path: wrong })).toBe(401)
  const tab = await openTab(address)
  expect(await tab.connects(address)).toBe(true)
  await tab.page.close()
  await stopWell(bridge)
  expect((await run(['start', '-d', join(scratch, 'x'), '--bridge-token-file', join(scratch, 'nothing')])).code).toBe(4)
})

test('behind a proxy that ends TLS, as the README has it, tabs come in over wss, foreign pages do not, and each visitor counts by where it came from', async () => {
  const dataDir = join(scratchFolder(), 'bridge')
  const bytes = noise(300_000, 5)
  const cid = await upload({ dataDir }, bytes)
  const options = ['--bridge-origin', 'https://page.example', '--bridge-proxy', '127.0.0.1']
  const bridge = await startNode(dataDir, [...WEBSOCKET, ...options])
  const certificate = selfSigned()
  const proxy = await tlsProxy(Number(/\/tcp\/(\d+)\/ws/.exec(bridge.bridge[0] ?? '')?.[1]), certificate)
  onTestFinished(() => proxy.close())
  const tab = await openTab(`/dns4/localhost/tcp/${proxy.port}/wss/p2p/${bridge.peerId}`)
  expect(await tab.fetch(cid)).toMatchObject({ sha256: sha256(bytes), peers: [bridge.peerId] })
  /** What a page is answered with; let in, it stays. */
  const knockSecurely = (origin = 'https://page.example'): Promise<number> => {
    const secure = { host: '127.0.0.1', port: proxy.port, servername: 'localhost', ca: certificate.cert }
    const socket = connectSecurely(secure, () => socket.write(handshake(`localhost:${proxy.port}`, { origin })))
    onTestFinished(() => void socket.destroy())
    return new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.once('data', (answer) => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer.toString('latin1'))?.[1])))
    })
  }
  expect(await knockSecurely('https://evil.example')).toBe(403)
  // The tab is one of them.
  for (let others = 1; others < MAX_TABS_PER_ADDRESS; others++) expect(await knockSecurely()).toBe(101)
  expect(await knockSecurely()).toBe(503)
  proxy.client = '203.0.113.8'
  expect(await knockSecurely()).toBe(101)
  await tab.page.close()
  await stopWell(bridge)
})
