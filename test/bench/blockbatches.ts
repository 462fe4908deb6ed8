// Puts and gets blocks in batches, one flush for each batch, the same way for every store. Runs in Node and in a tab.

import { KiB, MiB } from '../../src/lib/units.ts'
import type { CodexNode } from '../../src/node.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import type { Figure, Sample } from './harness.ts'
import type { PeerCid, PeerDigest, PeerStore } from './peers/peerstore.d.ts'

const BLOCK_BYTES = 64 * KiB
const BATCH_BLOCKS = 128
const TOTAL_BYTES = 256 * MiB
const QUICK_BYTES = 32 * MiB
/** As Helia names plain blocks; the numbers are multiformats' codec and hash tables. */
const RAW_CODEC = 0x55
const SHA2_256 = 0x12

/** @param atLeast how many times the peer's speed both together must reach */
export function blockFigures(atLeast: number): readonly Figure[] {
  return [
    { key: 'put', unit: 'MiB/s', title: 'put' },
    { key: 'get', unit: 'MiB/s', title: 'get' },
    { key: 'both', unit: 'MiB/s', title: 'put and get', goal: { of: 'ratio', atLeast } },
  ]
}

/** Ours. Blocks are hashed before the clock starts, because a peer is given CIDs too; each get checks the hash again. */
export async function measureNode(node: CodexNode, quick: boolean): Promise<Sample> {
  const blocks = await hashBlocks(node.repo.parts.hasher, randomChunks(quick))
  return measure(
    blocks,
    async (batch) => {
      await node.repo.putMany(batch)
    },
    async (batch) => {
      const found = await node.repo.getMany(batch.map(({ cid }) => cid))
      return found.reduce((bytes, block) => bytes + (block?.length ?? 0), 0)
    },
  )
}

export interface Peer {
  readonly CID: PeerCid
  readonly createDigest: PeerDigest
  readonly store: PeerStore
  /** Makes what was put so far survive a power cut. */
  readonly flush: () => Promise<void>
}

/** A store of Helia's, as Helia uses it. */
export async function measurePeer({ CID, createDigest, store, flush }: Peer, quick: boolean): Promise<Sample> {
  const blocks = await Promise.all(
    randomChunks(quick).map(async (bytes) => {
      const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes))
      return { cid: CID.createV1(RAW_CODEC, createDigest(SHA2_256, digest)), bytes }
    }),
  )
  return measure(
    blocks,
    async (batch) => {
      let left = batch.length
      for await (const _ of store.putMany(batch)) left--
      if (left !== 0) throw new Error(`${left} blocks were not put`)
      await flush()
    },
    async (batch) => {
      let total = 0
      for await (const { bytes } of store.getMany(batch.map(({ cid }) => cid)))
        for await (const part of bytes) total += part.length
      return total
    },
  )
}

async function measure<Block>(
  blocks: readonly Block[],
  put: (batch: readonly Block[]) => Promise<void>,
  get: (batch: readonly Block[]) => Promise<number>,
): Promise<Sample> {
  const batches: Block[][] = []
  for (let at = 0; at < blocks.length; at += BATCH_BLOCKS) batches.push(blocks.slice(at, at + BATCH_BLOCKS))
  const begin = performance.now()
  for (const batch of batches) await put(batch)
  const between = performance.now()
  for (const batch of batches)
    if ((await get(batch)) !== batch.length * BLOCK_BYTES) throw new Error('got fewer bytes than were put')
  const end = performance.now()
  const speed = (ms: number): number => (blocks.length * BLOCK_BYTES) / MiB / (ms / 1000)
  return { put: speed(between - begin), get: speed(end - between), both: speed(end - begin) }
}

/** Random, so that no store can compress them. */
function randomChunks(quick: boolean): Uint8Array<ArrayBuffer>[] {
  const count = (quick ? QUICK_BYTES : TOTAL_BYTES) / BLOCK_BYTES
  return Array.from({ length: count }, () => globalThis.crypto.getRandomValues(new Uint8Array(BLOCK_BYTES)))
}
