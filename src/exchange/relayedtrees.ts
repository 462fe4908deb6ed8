// What a relay knows of the trees whose leaves pass through: from their manifests how many leaves there are, from the first leaf how large they are.
// Knowing saves memory and refuses proofs of another shape; not knowing changes nothing else.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { isManifestCid } from '../protocol/cid.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import { addressKey } from './addresskey.ts'
import type { BlockAddress } from './message.ts'
import { MAX_DATA_BYTES } from './message.ts'

/** Trees remembered; the one learned longest ago is forgotten first. */
export const MAX_RELAYED_TREES = 4096

interface Tree {
  readonly blockBytes: Bytes
  readonly leafCount: number | undefined
}

export class RelayedTrees {
  readonly #trees = new Map<string, Tree>()

  /** The most that a block of the tree may have. */
  blockBytes(treeCid: Cid): Bytes {
    return this.#trees.get(addressKey({ cid: treeCid }))?.blockBytes ?? MAX_DATA_BYTES
  }

  /** Undefined when its manifest has not passed through. */
  leafCount(treeCid: Cid): number | undefined {
    return this.#trees.get(addressKey({ cid: treeCid }))?.leafCount
  }

  /** A block that has come, manifest or leaf. */
  learn({ treeCid, cid }: BlockAddress, { bytes }: VerifiedBlock): void {
    if (treeCid !== undefined) {
      // Blocks of a dataset all have one size, but padding has none.
      if (bytes.length === 0 || this.#trees.has(addressKey({ cid: treeCid }))) return
      this.#note(treeCid, {
        blockBytes: bytes.length <= BLOCK_SIZE ? BLOCK_SIZE : MAX_DATA_BYTES,
        leafCount: undefined,
      })
    } else if (isManifestCid(cid)) this.#learnManifest(bytes)
  }

  #learnManifest(bytes: Uint8Array): void {
    try {
      const manifest = decodeManifest(bytes)
      const blockBytes = Math.min(Math.max(manifest.blockSize, BLOCK_SIZE), MAX_DATA_BYTES)
      this.#note(manifest.treeCid, { blockBytes, leafCount: blocksCount(manifest) })
    } catch (error) {
      // Whoever asked for it will find out.
      if (!CodexError.is(error)) throw error
    }
  }

  #note(treeCid: Cid, tree: Tree): void {
    const key = addressKey({ cid: treeCid })
    this.#trees.delete(key)
    this.#trees.set(key, tree)
    const [oldest] = this.#trees.keys()
    if (this.#trees.size > MAX_RELAYED_TREES && oldest !== undefined) this.#trees.delete(oldest)
  }
}
