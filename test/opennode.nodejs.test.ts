import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, test } from 'vitest'

import { Log } from '../src/lib/log.ts'
import { LogLevels } from '../src/lib/loglevels.ts'
import { ManualClock } from '../src/lib/manualclock.ts'
import { MiB } from '../src/lib/units.ts'
import type { CodexNode } from '../src/node.ts'
import { createNode, openNode } from '../src/nodejs.ts'
import { blockCid } from '../src/protocol/block.ts'
import { requestId } from '../src/protocol/ids.ts'
import { purchaseChange, type PurchaseRecord } from '../src/purchasing/purchaserecord.ts'
import { requestFor } from '../src/purchasing/purchaseterms.ts'
import { Reservations } from '../src/sales/reservations.ts'
import { verifyBlocks } from '../src/storage/verifiedblock.ts'
import { NEVER, TEST_HASHER, seededBytes } from './fakes/memorystore.ts'
import { seededSource, slot, terms } from './fakes/salesparts.ts'
import { randomWish } from './simulation/terms.ts'

test('bad settings are refused, and do not keep the folder', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-settings-'))
  const clock = new ManualClock(1_700_000_000)
  const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
  try {
    await expect(openNode({ dataDir, clock, log, quotaBytes: 0.5 })).rejects.toMatchObject({ code: 'units/not-a-size' })
    await (await openNode({ dataDir, clock, log })).stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('what an upload stored is left to the next start when the node stops', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-leaving-'))
  const clock = new ManualClock(1_700_000_000)
  const said: string[] = []
  const log = new Log({ clock, levels: new LogLevels('info'), sinks: [({ message }) => said.push(message)] })
  const swept = 'removing what an interrupted upload or removal left behind'
  async function* silent(): AsyncGenerator<Uint8Array, void> {
    yield seededBytes(9 * MiB, 3)
    await new Promise(() => undefined)
  }
  try {
    const node = await openNode({ dataDir, clock, log })
    const upload = expect(node.datasets.upload(silent(), { signal: NEVER })).rejects.toMatchObject({
      code: 'store/closed',
    })
    await expect.poll(async () => (await node.repo.space()).quotaUsedBytes).toBeGreaterThan(0)
    await node.stop()
    await upload
    expect(said).not.toContain(swept)
    const next = await openNode({ dataDir, clock, log })
    await next.start({ signal: NEVER })
    expect(said).toContain(swept)
    expect((await next.repo.space()).quotaUsedBytes).toBe(0)
    expect((await next.repo.recount({ signal: NEVER })).problems).toEqual([])
    await next.stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('a bridge that a program makes lets in pages of this machine only, or those it names, with the token it sets', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-bridge-'))
  const knock = (port: number, origin: string, path = '/'): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = {
        ...{ connection: 'Upgrade', upgrade: 'websocket', origin },
        ...{ 'sec-websocket-version': '13', 'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==' },
      }
      const sent = request({ host: '127.0.0.1', port, path, headers })
      sent.on('response', ({ statusCode }) => resolve(statusCode)).on('error', reject)
      sent.on('upgrade', (_, socket) => {
        socket.destroy()
        resolve(101)
      })
      sent.end()
    })
  try {
    for (const [bridge, expected] of [
      [undefined, [403, 101, 101]],
      [{ origins: ['https://page.example'], token: 'sesame-0' }, [401, 401, 101]],
    ] as const) {
      const settings = { roles: ['bridge'], listen: ['/ip4/127.0.0.1/tcp/0/ws'], bridge } as const
      const node = await createNode({ dataDir, ...settings })
      const port = Number(/\/tcp\/(\d+)/.exec(node.network?.addresses()[0] ?? '')?.[1])
      expect([
        await knock(port, 'https://page.example'),
        await knock(port, 'http://localhost:3000'),
        await knock(port, 'http://localhost:3000', '/sesame-0'),
      ]).toEqual(expected)
      await node.stop()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('a bridge that no tab could come in at is refused before anything is opened', async () => {
  const dataDir = join(tmpdir(), 'codex-light-no-bridge')
  for (const listen of [undefined, [], ['/ip4/127.0.0.1/tcp/0']])
    await expect(createNode({ dataDir, roles: ['bridge'], listen })).rejects.toMatchObject({
      code: 'node/bad-options',
      detail: { option: 'listen' },
      message: expect.stringContaining('/ws') as string,
    })
  expect(existsSync(dataDir)).toBe(false)
})

test('where slots are held, no block goes by the machine’s clock before the chain has told its time', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-clock-'))
  const signal = NEVER
  const started = async (now: number) => {
    const clock = new ManualClock(now)
    const log = new Log({ clock, levels: new LogLevels('off'), sinks: [] })
    const node = await openNode({ dataDir, clock, log })
    await node.start({ signal })
    const { reservations } = await Reservations.open({ repo: node.repo, random: seededSource(1), log }, { signal })
    return { node, reservations }
  }
  const bytes = new Uint8Array(100).fill(7)
  const cid = blockCid(bytes)
  const [now, late] = [1_700_000_000, 1_800_000_000]
  try {
    const first = await started(now)
    await first.reservations.create(terms(1))
    const reservation = await first.reservations.reserve(slot(1, 0, { requestEnd: now + 1000 }))
    if (reservation === undefined) throw new Error('the slot fits no availability')
    const blocks = await verifyBlocks(TEST_HASHER, [{ cid, bytes }])
    await first.reservations.put(reservation.id, blocks, { indices: [0] })
    await first.node.stop()

    const ahead = await started(late)
    // So many looks take longer than a first run does.
    for (let look = 0; look < 100; look++) expect(await ahead.node.repo.has(cid)).toBe(true)
    await ahead.reservations.settle(reservation.id, 'all')
    const [free] = await verifyBlocks(TEST_HASHER, [{ cid, bytes }])
    if (free !== undefined) await ahead.node.repo.put(free, { expiry: now + 1000 })
    await ahead.node.stop()

    const settled = await started(late)
    await expect.poll(() => settled.node.repo.has(cid)).toBe(false)
    await settled.node.stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})

test('what a purchase goes on for is not removed, and does not go by the machine’s clock before the chain has told its time', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'codex-light-bought-'))
  const [now, late] = [1_700_000_000, 1_800_000_000]
  const started = async (at: number) => {
    const clock = new ManualClock(at)
    const node = await openNode({ dataDir, clock, log: new Log({ clock, levels: new LogLevels('off'), sinks: [] }) })
    await node.start({ signal: NEVER })
    return node
  }
  const record = (node: CodexNode, purchase: PurchaseRecord) =>
    node.repo.parts.datastore.commit([purchaseChange(requestId(purchase.request), purchase)])
  const source = async function* () {
    yield new Uint8Array(100_000).fill(3)
  }
  try {
    const first = await started(now)
    const { cid } = await first.datasets.upload(source(), { expiry: now + 1000, signal: NEVER })
    const terms = { duration: 900, expiry: 600, pricePerBytePerSecond: 2n, collateralPerByte: 3n }
    const { manifest } = randomWish(seededSource(5))
    const request = requestFor({ cid, manifest }, terms, { client: `0x${'ab'.repeat(20)}`, random: seededSource(2) })
    await record(first, { request, outcome: undefined, until: now + 1000 })
    await expect(first.datasets.remove(cid, { signal: NEVER })).rejects.toMatchObject({ code: 'dataset/bought' })
    await first.stop()

    const ahead = await started(late)
    for (let look = 0; look < 100; look++) expect(await ahead.repo.has(cid)).toBe(true)
    await record(ahead, { request, outcome: { end: 'finished' } })
    await ahead.stop()

    const over = await started(late)
    await expect.poll(() => over.repo.has(cid)).toBe(false)
    await over.stop()
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
