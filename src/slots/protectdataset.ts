// Protecting: a plain dataset in the store gets parity, slots and slot roots. Each block is hashed while it is in memory for the code; the protected and
// the verifiable dataset begin to exist with one commit.

import { GROUPS_IN_FLIGHT, protectBlocks } from '../erasure/protectblocks.ts'
import { codeLayout } from '../erasure/codelayout.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES } from '../protocol/cid.ts'
import { checkManifest } from '../protocol/checkmanifest.ts'
import type { PlainManifest, ProtectedManifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { treeCid } from '../protocol/merkletree.ts'
import { nodeChanges } from '../storage/treenodes.ts'
import { ELEMENT_BYTES } from './fieldelements.ts'
import { keptUntil } from './keptuntil.ts'
import { builtDataset, loadPlain } from './loadmanifest.ts'
import { slotGeometry } from './slotgeometry.ts'
import { SlotsBuilder } from './slotsbuilder.ts'
import { SlotsMeter } from './slotsprogress.ts'
import type { BuiltDataset, ExpiryOption, SlotsJob, SlotsParts } from './slotsparts.ts'

export interface Code {
  /** Slots of original data: any so many slots give everything back. */
  readonly ecK: number
  /** Slots of parity: so many may be lost. */
  readonly ecM: number
}

export interface ProtectedDataset extends BuiltDataset {
  readonly plainCid: Cid
  readonly protectedCid: Cid
}

/**
 * Data reference §5.1, §7. Blocks that are here get references and, where asked for, a later expiry; parity is stored.
 * @throws CodexError `slots/already-protected`, `erasure/bad-code`, `erasure/too-small`, `erasure/wrong-block-size`, `dataset/*`, and as `protectBlocks` and
 * `Growth.finish`: nothing is stored then
 */
export async function protectDataset(
  parts: SlotsParts,
  plainCid: Cid,
  { ecK, ecM, expiry: wanted, ...job }: SlotsJob & ExpiryOption & Code,
): Promise<ProtectedDataset> {
  const { repo, datasets } = parts
  const plain = await loadPlain(datasets, plainCid)
  const layout = codeLayout(blocksCount(plain), ecK, ecM)
  // What no manifest can say or no proof show is refused before the first block.
  const draft = protectedManifest(plain, { ecK, ecM }, treeCid(new Uint8Array(DIGEST_BYTES)), layout.totalBlocks)
  const { paddedBlocks } = slotGeometry(draft)
  const least = wanted === undefined ? repo.defaultExpiry() : 0
  const expiry = Math.max(least, await keptUntil(repo, plainCid, wanted))
  return datasets.trees.grow(job, async (growth) => {
    const own = { ...job, signal: growth.signal }
    const builder = new SlotsBuilder(parts, own)
    const { steps, rows } = layout
    const slots = Array.from({ length: rows }, (_, row) => row)
    const meter = new SlotsMeter('protecting', { slots, blocks: steps }, job.progress)
    const hashesOf = slots.map(() => new Map<number, Uint8Array>())
    const treeId = await growth.begin()
    const tree = await protectBlocks(parts, plain, layout, {
      ...own,
      treeId,
      expiry,
      visit: async ({ firstStep, rows: group }) => {
        const count = group[0]?.length ?? 0
        const rowOf = (at: number): number => Math.floor(at / count)
        const hashes = await builder.hasher.hash(group.flat(), (from, to) =>
          meter.advance(
            to - from,
            Array.from({ length: to - from }, (_, i) => rowOf(from + i)),
          ),
        )
        for (const row of slots)
          hashesOf[row]?.set(firstStep, hashes.subarray(ELEMENT_BYTES * row * count, ELEMENT_BYTES * (row + 1) * count))
      },
    })
    const manifest = protectedManifest(plain, { ecK, ecM }, treeCid(tree.root), layout.totalBlocks)
    await growth.store(nodeChanges(treeId, tree))
    const trees = await mapBounded(hashesOf, GROUPS_IN_FLIGHT, async (hashes) =>
      builder.grow(growth, await builder.hasher.nodes(await builder.hasher.leaves(hashes, paddedBlocks))),
    )
    const grown = { treeId, cid: manifest.treeCid, leafCount: tree.leafCount }
    const {
      cid,
      protectedCid,
      manifest: verifiable,
    } = await builder.finish(growth, manifest, trees, { also: [grown], expiry })
    return { plainCid, protectedCid, ...builtDataset(cid, verifiable) }
  })
}

function protectedManifest(
  { filename, mimetype, blockSize, treeCid: originalTreeCid, datasetSize }: PlainManifest,
  { ecK, ecM }: Code,
  tree: Cid,
  totalBlocks: number,
): ProtectedManifest {
  return checkManifest({
    kind: 'protected',
    layout: 'marketplace',
    treeCid: tree,
    blockSize,
    datasetSize: totalBlocks * blockSize,
    ecK,
    ecM,
    originalTreeCid,
    originalDatasetSize: datasetSize,
    protectedStrategy: 'stepped',
    ...(filename !== undefined && { filename }),
    ...(mimetype !== undefined && { mimetype }),
  })
}
