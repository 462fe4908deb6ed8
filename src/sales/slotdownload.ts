// The blocks of one slot on their way into the store: each becomes a leaf of the Reservation's list, which pays for it, and of the dataset's tree, where
// proofs and peers find it. Whatever is here already is only noted.

import type { BlockExchange } from '../exchange/blockexchange.ts'
import type { FetchLeavesOptions, FetchedLeaf } from '../exchange/fetchleaves.ts'
import { fetchLeaves } from '../exchange/fetchleaves.ts'
import { storeLeaves } from '../exchange/storeleaves.ts'
import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import type { RowSource } from '../erasure/rowsource.ts'
import { slotRange } from '../slots/slotgeometry.ts'
import type { Slots } from '../slots/slots.ts'
import { findBlocks } from '../storage/findblocks.ts'
import { LEAVES_PER_PAGE, LeafPages } from '../storage/leafpage.ts'
import { claimLeaves, claimTree } from '../storage/relayedtrees.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { comparedBlock } from '../storage/verifiedblock.ts'
import type { Reservation } from './reservation.ts'
import type { Reservations } from './reservations.ts'

export interface SlotDownloadParts {
  readonly repo: RepoStore
  readonly slots: Slots
  readonly network: { readonly exchange: BlockExchange }
  readonly reservations: Pick<Reservations, 'put'>
}

export interface SlotDownloadOrder {
  readonly manifest: VerifiableManifest
  readonly slotIndex: number
  readonly reservation: Reservation
  /** Keep the blocks at least until then. */
  readonly expiry: Seconds
  /** Hears how many bytes of the slot's blocks are here. */
  readonly tell: (doneBytes: Bytes) => void
}

/** Blocks that went while others came are fetched again so many times. */
const MAX_ROUNDS = 3
/** Leaves claimed in one commit. */
const CLAIMED_AT_ONCE = 64 * LEAVES_PER_PAGE
/** A row that nobody has given within this time is rebuilt from others. */
const ROW_STALL_SECONDS: Seconds = 20

export class SlotDownload {
  readonly #parts: SlotDownloadParts
  readonly #order: SlotDownloadOrder
  readonly #indices: readonly number[]

  constructor(parts: SlotDownloadParts, order: SlotDownloadOrder) {
    this.#parts = parts
    this.#order = order
    const { first, end } = slotRange(order.manifest, order.slotIndex)
    this.#indices = Array.from({ length: end - first }, (_, i) => first + i)
  }

  /**
   * Settles when every block of the slot is here and paid for.
   * @throws CodexError `sale/blocks-went`, as `fetchLeaves`, whose time to stall is the caller's, and as `Reservations.put`
   */
  async fetch({ signal, stallSeconds }: AbortOptions & Pick<FetchLeavesOptions, 'stallSeconds'>): Promise<void> {
    const { exchange } = this.#parts.network
    const { manifest, expiry } = this.#order
    const { treeCid, blockSize } = manifest
    const leafCount = blocksCount(manifest)
    const store = storeLeaves(this.#parts.repo, treeCid, leafCount, { expiry, durability: 'relaxed' })
    for (let round = 1; ; round++) {
      const missing = await this.#takeIn({ signal })
      if (missing.length === 0 && (await this.#claim({ signal }))) return
      if (round > MAX_ROUNDS)
        throw new CodexError('sale/blocks-went', 'blocks of the slot went while others were fetched; try again')
      const here = this.#indices.length - missing.length
      await fetchLeaves(exchange, {
        treeCid,
        leafCount,
        indices: missing,
        ...{ blockSize, stallSeconds, signal },
        sink: async (leaves: readonly FetchedLeaf[]) => {
          // The list first: what the tree names must be paid for.
          await this.#pay(
            leaves.map(({ block }) => block),
            leaves.map(({ index }) => index),
          )
          await store(leaves)
        },
        progress: ({ doneBlocks }) => this.#tell(here + doneBlocks),
      })
    }
  }

  /** The same for a slot that its host lost: what peers do not have is computed from rows of other slots. @param cid of the manifest, which is here */
  async rebuild(cid: Cid, { signal, merkleRoot }: AbortOptions & { readonly merkleRoot: string }): Promise<void> {
    const { slots } = this.#parts
    const { slotIndex, expiry, manifest } = this.#order
    await this.#takeIn({ signal })
    await slots.repair(cid, slotIndex, {
      signal,
      expiry,
      merkleRoot,
      rank: 'sale',
      holdsDataset: false,
      source: this.#rows(),
      pay: (blocks, indices) => this.#pay(blocks, indices),
      progress: ({ doneBytes }) => this.#order.tell(doneBytes),
    })
    const missing = await this.#takeIn({ signal })
    if (missing.length > 0 || !(await this.#claim({ signal })))
      throw new CodexError(
        'sale/blocks-went',
        `${missing.length || 'some'} blocks of slot ${slotIndex} went while it was rebuilt`,
        {
          detail: { treeCid: String(manifest.treeCid), slotIndex },
        },
      )
  }

  /** Notes in the Reservation's list what is here of the slot already. @returns the places of which nothing is here */
  async #takeIn({ signal }: AbortOptions): Promise<number[]> {
    const { repo } = this.#parts
    const { manifest, reservation } = this.#order
    const missing: number[] = []
    // What was only cached for others stays from when it is in the list.
    await claimTree(repo.parts, manifest.treeCid)
    for (let from = 0; from < this.#indices.length; from += LEAVES_PER_PAGE) {
      signal.throwIfAborted()
      const page = this.#indices.slice(from, from + LEAVES_PER_PAGE)
      const listed = await LeafPages.read(repo.parts.datastore, reservation.listId, page)
      const found = await findBlocks(repo, manifest.treeCid, page, manifest.blockSize)
      const surplus: [number, VerifiedBlock][] = []
      for (const [i, index] of page.entries()) {
        const block = found[i]
        if (block === undefined || block === 'missing' || block === 'damaged') missing.push(index)
        else if (listed.get(index) === undefined) surplus.push([index, block])
      }
      if (surplus.length > 0)
        await this.#pay(
          surplus.map(([, block]) => block),
          surplus.map(([index]) => index),
        )
      // Reading a large slot takes minutes, in which it must not count as one that nobody gives.
      this.#tell(Math.min(from + LEAVES_PER_PAGE, this.#indices.length) - missing.length)
    }
    return missing
  }

  /** What went before it was in the list, or came back for others only, must not be missing later. @returns whether all of it is in the tree, to stay */
  async #claim({ signal }: AbortOptions): Promise<boolean> {
    for (let from = 0; from < this.#indices.length; from += CLAIMED_AT_ONCE) {
      signal.throwIfAborted()
      const some = this.#indices.slice(from, from + CLAIMED_AT_ONCE)
      if ((await claimLeaves(this.#parts.repo.parts, this.#order.manifest.treeCid, some)).length > 0) return false
    }
    return true
  }

  #pay(blocks: readonly VerifiedBlock[], indices: readonly number[]): Promise<unknown> {
    const { manifest, reservation, expiry } = this.#order
    return this.#parts.reservations.put(reservation.id, blocks, {
      indices,
      tree: manifest.treeCid,
      expiry,
      // The commit that ends the work makes it durable.
      durability: 'relaxed',
    })
  }

  #tell(blocks: number): void {
    this.#order.tell(blocks * this.#order.manifest.blockSize)
  }

  /** Rows from peers, kept nowhere. */
  #rows(): RowSource {
    const { exchange } = this.#parts.network
    const { manifest, slotIndex } = this.#order
    const leafCount = blocksCount(manifest)
    const { first, end } = slotRange(manifest, slotIndex)
    /** The leaves beside the slot: most often they come among the rows. */
    const beside = new Map<number, { readonly digest: Uint8Array; readonly path: readonly Uint8Array[] }>()
    const fetch = async (
      treeCid: Cid,
      indices: readonly number[],
      { signal }: AbortOptions,
    ): Promise<Map<number, VerifiedBlock>> => {
      const came = new Map<number, VerifiedBlock>()
      try {
        await fetchLeaves(exchange, {
          treeCid,
          leafCount,
          indices,
          blockSize: manifest.blockSize,
          stallSeconds: ROW_STALL_SECONDS,
          signal,
          sink: async (leaves) => {
            for (const { index, block, proof } of leaves) {
              // The bytes are only borrowed.
              came.set(index, comparedBlock({ cid: block.cid, bytes: block.bytes.slice() }))
              if (index === first - 1 || index === end)
                beside.set(index, { digest: block.cid.digest, path: proof.path })
            }
          },
        })
      } catch (error) {
        if (!CodexError.is(error, 'exchange/stalled')) throw error
      }
      return came
    }
    return {
      blocks: async (treeCid, indices, options) => {
        const came = await fetch(treeCid, indices, options)
        return indices.map((index) => came.get(index))
      },
      leaf: async (treeCid, index, options) => {
        if (!beside.has(index)) await fetch(treeCid, [index], options)
        return beside.get(index)
      },
    }
  }
}
