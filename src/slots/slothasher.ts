// Poseidon2 hashes of the blocks of slots, and the trees over them: what is asked of the seam, in batches. It reads and stores nothing.

import { toHex } from '../lib/bytes.ts'
import { assert } from '../lib/errors.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { nextTask } from '../lib/nexttask.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { makeCid } from '../protocol/cid.ts'
import { CODEX_PROVING_ROOT, CODEX_SLOT_ROOT, IDENTITY } from '../protocol/multicodec.ts'
import type { Block } from '../storage/verifiedblock.ts'
import { ELEMENT_BYTES } from './fieldelements.ts'
import { treeRoot } from './flattree.ts'
import type { Poseidon2, Poseidon2Options } from './poseidon2.ts'
import { CELL_SIZE } from './slotgeometry.ts'

/** Blocks hashed in one call: a fifth of a second's work of one worker, so that progress is seen and an abort heard. */
export const HASH_BATCH_BLOCKS = 32
/** Calls open at once for one list of blocks. */
const BATCHES_IN_FLIGHT = 4
/** Hashes kept of blocks that were met, so that a dataset that repeats itself is hashed once; some 200 bytes each. */
const MAX_REMEMBERED = 4096

/** Leaves of padding written before others get a turn: some milliseconds. */
const PADDING_PER_TURN = 65_536

/** For one job: it keeps the job's signal and rank. */
export class SlotHasher {
  readonly #poseidon2: Poseidon2
  readonly #options: Poseidon2Options
  readonly #maxRemembered: number
  readonly #known = new Map<string, Uint8Array>()
  #zero: Promise<Uint8Array> | undefined

  /** @param maxRemembered hashes kept, {@link MAX_REMEMBERED} by default */
  constructor(poseidon2: Poseidon2, { signal, rank }: Poseidon2Options, maxRemembered = MAX_REMEMBERED) {
    this.#poseidon2 = poseidon2
    this.#maxRemembered = maxRemembered
    this.#options = { signal, rank }
  }

  /**
   * The hash of each block (data reference §7.2), one after the other; the empty block counts as zeros.
   * @param advance called with places in `blocks` that are done
   */
  async hash(blocks: readonly Block[], advance: (from: number, to: number) => void = () => {}): Promise<Uint8Array> {
    const hashes = new Uint8Array(ELEMENT_BYTES * blocks.length)
    const starts = Array.from({ length: Math.ceil(blocks.length / HASH_BATCH_BLOCKS) }, (_, i) => i * HASH_BATCH_BLOCKS)
    await mapBounded(starts, BATCHES_IN_FLIGHT, async (from) => {
      this.#options.signal.throwIfAborted()
      const batch = blocks.slice(from, from + HASH_BATCH_BLOCKS)
      hashes.set(await this.#hashBatch(batch), ELEMENT_BYTES * from)
      advance(from, from + batch.length)
    })
    return hashes
  }

  /** That of a block of zeros: what stands for padding and for empty blocks. */
  zeroHash(): Promise<Uint8Array> {
    this.#zero ??= this.#poseidon2.hashBlocks([new Uint8Array(BLOCK_SIZE)], CELL_SIZE, this.#options)
    return this.#zero
  }

  /**
   * Leaves of a slot's tree, with what pads it to a power of two. To be made when all hashes are there: how large a slot is only its manifest says,
   * and until then memory is taken for what was really found.
   * @param pieces hashes of all of its blocks, by the place in the slot that they begin at
   */
  async leaves(pieces: ReadonlyMap<number, Uint8Array>, paddedBlocks: number): Promise<Uint8Array> {
    const leaves = new Uint8Array(ELEMENT_BYTES * paddedBlocks)
    let end = 0
    for (const [first, hashes] of pieces) {
      leaves.set(hashes, ELEMENT_BYTES * first)
      end = Math.max(end, ELEMENT_BYTES * first + hashes.length)
    }
    const zero = await this.zeroHash()
    for (let at = end, turns = 0; at < leaves.length; at += ELEMENT_BYTES) {
      leaves.set(zero, at)
      if (++turns % PADDING_PER_TURN === 0) await nextTask()
    }
    return leaves
  }

  /** All nodes of the tree over these leaves, layer after layer, the leaves first. */
  nodes(leaves: Uint8Array): Promise<Uint8Array> {
    return this.#poseidon2.merkleNodes(leaves, this.#options)
  }

  /** The dataset root over slot roots (§7.4). */
  async verifyRoot(slotRoots: readonly Cid[]): Promise<Cid> {
    const leaves = new Uint8Array(ELEMENT_BYTES * slotRoots.length)
    slotRoots.forEach(({ digest }, i) => leaves.set(digest, ELEMENT_BYTES * i))
    return makeCid(CODEX_PROVING_ROOT, IDENTITY, treeRoot(await this.nodes(leaves)))
  }

  async #hashBatch(blocks: readonly Block[]): Promise<Uint8Array> {
    const names = blocks.map(({ cid }) => toHex(cid.digest))
    // What is known is taken now: while we wait another batch may make it forgotten.
    const hashes = new Map<string, Uint8Array>()
    const fresh = new Map<string, Uint8Array>()
    for (const [i, { bytes }] of blocks.entries()) {
      if (bytes.length === 0) continue
      const name = names[i] as string
      const known = this.#known.get(name)
      if (known === undefined) fresh.set(name, bytes)
      else hashes.set(name, known)
    }
    if (fresh.size > 0) {
      const found = await this.#poseidon2.hashBlocks([...fresh.values()], CELL_SIZE, this.#options)
      for (const [i, name] of [...fresh.keys()].entries()) {
        const hash = found.slice(ELEMENT_BYTES * i, ELEMENT_BYTES * (i + 1))
        hashes.set(name, hash)
        this.#remember(name, hash)
      }
    }
    const all = new Uint8Array(ELEMENT_BYTES * blocks.length)
    for (const [i, { bytes }] of blocks.entries()) {
      const hash = bytes.length === 0 ? await this.zeroHash() : hashes.get(names[i] as string)
      assert(hash !== undefined, 'the hash of every block is known or was computed')
      all.set(hash, ELEMENT_BYTES * i)
    }
    return all
  }

  #remember(name: string, hash: Uint8Array): void {
    this.#known.set(name, hash)
    const [oldest] = this.#known.keys()
    if (oldest !== undefined && this.#known.size > this.#maxRemembered) this.#known.delete(oldest)
  }
}

export function slotRootCid(nodes: Uint8Array): Cid {
  return makeCid(CODEX_SLOT_ROOT, IDENTITY, treeRoot(nodes))
}
