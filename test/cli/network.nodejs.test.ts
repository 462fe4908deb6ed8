// A Node provider and a Node client over TCP, each a process of its own, as people run them: one fetches from the other, and either of them dies without a word
// in the middle.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, onTestFinished, test } from 'vitest'

import { blockCid } from '../../src/protocol/block.ts'
import { faultyProxy } from '../fakes/faultyproxy.ts'
import { document, failure, noise, run, scratchFolder, start } from './command.ts'
import type { StartedNode } from './startednode.ts'
import { startNode, stopWell } from './startednode.ts'

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const portOf = (node: StartedNode): number => Number(/\/tcp\/(\d+)/.exec(node.addresses[0] ?? '')?.[1])

interface Peers {
  readonly peers: readonly { readonly peerId: string; readonly sentBytes: number; readonly receivedBytes: number }[]
}

const peersOf = async (node: StartedNode): Promise<Peers['peers']> =>
  ((await document(['peers', '-d', node.dataDir])) as unknown as Peers).peers

async function usedBytes(node: StartedNode): Promise<number> {
  const { quotaUsedBytes } = (await (await fetch(`${node.api}api/codex/v1/space`)).json()) as { quotaUsedBytes: number }
  return quotaUsedBytes
}

async function upload(node: StartedNode, folder: string, bytes: Uint8Array): Promise<string> {
  writeFileSync(join(folder, 'file'), bytes)
  const { cid } = await document(['upload', join(folder, 'file'), '-d', node.dataDir])
  return String(cid)
}

test('peers, connect and download speak to the running node', async () => {
  const scratch = scratchFolder()
  const [client, provider] = await Promise.all([
    startNode(join(scratch, 'client')),
    startNode(join(scratch, 'provider')),
  ])
  const bytes = noise(3_000_000, 1)
  const cid = await upload(client, scratch, bytes)
  expect(await peersOf(provider)).toEqual([])
  expect(await document(['connect', client.spr, '-d', provider.dataDir])).toEqual({ peerId: client.peerId })
  expect(await peersOf(provider)).toMatchObject([{ peerId: client.peerId, direction: 'outbound' }])
  const out = join(scratch, 'out')
  expect(await document(['download', cid, '-o', out, '-d', provider.dataDir])).toMatchObject({ cid, bytes: 3_000_000 })
  expect(sha256(readFileSync(out))).toBe(sha256(bytes))
  expect((await peersOf(client))[0]).toMatchObject({ peerId: provider.peerId })
  // A block by its own CID comes from peers too, and is not stored.
  const block = noise(65_536, 2)
  await upload(client, scratch, block)
  const single = ['download', String(blockCid(block)), '-o', join(scratch, 'block'), '-d', provider.dataDir]
  expect(await failure([...single, '--local'])).toMatchObject({ error: { code: 'dataset/not-found' } })
  expect(await document(single)).toMatchObject({ bytes: 65_536 })
  expect(sha256(readFileSync(join(scratch, 'block')))).toBe(sha256(block))
  const nowhere = `/ip4/127.0.0.1/tcp/1/p2p/${client.peerId}`
  await stopWell(client)
  expect(await failure(['connect', nowhere, '-d', provider.dataDir])).toMatchObject({
    error: { code: 'network/cannot-connect' },
  })
  await stopWell(provider)
})

// As a slot does, in every run.
test.runIf(import.meta.env['LONG'])(
  'a download from a bootstrap peer goes on where it was, whichever side is killed',
  async () => {
    const scratch = scratchFolder()
    let client = await startNode(join(scratch, 'client'))
    const port = portOf(client)
    const bytes = noise(24_000_000, 2)
    const cid = await upload(client, scratch, bytes)
    // So much and no more comes over one connection: neither side can be done before it is killed.
    const proxy = await faultyProxy(port, { stallAfterBytes: 12_000_000 })
    onTestFinished(() => proxy.close())
    const bootstrap = ['-b', `/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${client.peerId}`]
    let provider = await startNode(join(scratch, 'provider'), bootstrap)
    const out = join(scratch, 'out')
    const download = ['download', cid, '-o', out, '-d', provider.dataDir, '--json']
    const first = start(download)
    await expect.poll(() => usedBytes(provider)).toBeGreaterThan(5_000_000)
    provider.child.kill('SIGKILL')
    await provider.ended
    expect((await first.ended).code).not.toBe(0)

    provider = await startNode(join(scratch, 'provider'), bootstrap)
    const kept = await usedBytes(provider)
    expect(kept).toBeGreaterThan(5_000_000)
    const second = start(download)
    await expect.poll(() => usedBytes(provider)).toBeGreaterThan(kept + 2_000_000)
    proxy.faults = {}
    client.child.kill('SIGKILL')
    await client.ended
    const before = await usedBytes(provider)
    client = await startNode(join(scratch, 'client'), ['-i', `/ip4/127.0.0.1/tcp/${port}`])
    const { code, stderr } = await second.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(sha256(readFileSync(out))).toBe(sha256(bytes))
    // All of it came once, but for what was on its way when one died.
    const [{ sentBytes } = { sentBytes: 0 }] = await peersOf(client)
    expect(sentBytes).toBeGreaterThan(0)
    expect(sentBytes).toBeLessThanOrEqual(bytes.length + 65_536 - before)
    await Promise.all([stopWell(client), stopWell(provider)])
    expect((await document(['space', '--check', '-d', provider.dataDir]))['problems']).toEqual([])
    expect((await run(['download', cid, '-f', '-o', out, '-d', provider.dataDir, '--local'])).code).toBe(0)
  },
)
