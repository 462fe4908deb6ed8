// What the store has of the slots of its datasets, by its index: no block is read, nothing is computed.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { CodexError } from '../lib/errors.ts'
import { layoutOf } from '../erasure/codelayout.ts'
import type { Datasets } from '../storage/datasets.ts'
import { presentLeaves } from '../storage/presentleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { isWholeTree } from '../storage/wholetree.ts'
import { hasTreeOf } from './expecttree.ts'
import { readElement } from './fieldelements.ts'
import { slotGeometry } from './slotgeometry.ts'

export interface SlotEntry {
  readonly index: number
  readonly root: bigint
  /** Of the slot, those not counted that only pad it for proofs. */
  readonly blocks: number
  readonly presentBlocks: number
  /** Whether the slot's tree is stored, without which nothing can be proven. */
  readonly hasTree: boolean
}

export interface SlotsEntry {
  /** Of the verifiable manifest. */
  readonly cid: Cid
  readonly manifest: VerifiableManifest
  readonly datasetRoot: bigint
  /** Of each slot as a request on chain has it, padding included. */
  readonly slotBytes: Bytes
  readonly slots: readonly SlotEntry[]
}

interface Parts {
  readonly repo: RepoStore
  readonly datasets: Datasets
}

/** All datasets with slots, in the order of their CIDs; damaged ones and those no slots can come of are left out. */
export async function* listSlots(parts: Parts, options: AbortOptions): AsyncGenerator<SlotsEntry, void> {
  for await (const { cid, manifest } of parts.datasets.list(options)) {
    if (manifest?.kind !== 'verifiable') continue
    const entry = await entryOf(parts, cid, manifest, options).catch((error: unknown) => {
      if (CodexError.is(error) && /^(erasure|slots)\//.test(error.code)) return undefined
      throw error
    })
    if (entry !== undefined) yield entry
  }
}

/** @throws CodexError `slots/not-verifiable`, `erasure/*`, and as `Datasets.manifest` */
export async function showSlots(parts: Parts, cid: Cid, options: AbortOptions): Promise<SlotsEntry> {
  const manifest = await parts.datasets.manifest(cid)
  if (manifest.kind === 'verifiable') return entryOf(parts, cid, manifest, options)
  throw new CodexError('slots/not-verifiable', 'expected a dataset with slot roots: protect or build this one first', {
    detail: { cid: String(cid), kind: manifest.kind },
  })
}

async function entryOf(
  { repo }: Parts,
  cid: Cid,
  manifest: VerifiableManifest,
  { signal }: AbortOptions,
): Promise<SlotsEntry> {
  const { steps, totalBlocks } = layoutOf(manifest)
  const { slotBytes, paddedBlocks } = slotGeometry(manifest)
  const present = manifest.slotRoots.map(() => 0)
  // By what is stored: a foreign manifest may say of any number of blocks that they ought to be here.
  if (await hasTreeOf(repo, manifest))
    for await (const indices of presentLeaves(repo, manifest.treeCid, { first: 0, end: totalBlocks }, { signal }))
      for (const index of indices) {
        const slot = Math.floor(index / steps)
        present[slot] = (present[slot] ?? 0) + 1
      }
  // Slots of equal blocks have one root and one tree.
  const trees = new Map<string, boolean>()
  const slots: SlotEntry[] = []
  for (const [index, root] of manifest.slotRoots.entries()) {
    const name = String(root)
    const hasTree = trees.get(name) ?? (await isWholeTree(repo.parts.datastore, root, paddedBlocks, { signal }))
    trees.set(name, hasTree)
    slots.push({ index, root: readElement(root.digest), blocks: steps, presentBlocks: present[index] ?? 0, hasTree })
  }
  return { cid, manifest, datasetRoot: readElement(manifest.verifyRoot.digest), slotBytes, slots }
}
