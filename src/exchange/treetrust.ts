// Of which trees a peer seems to have every leaf, by what it has said so far: those are asked of it at once. Asking first whether it has each one
// costs a round trip and as many words again as the asking itself. Wrong trust costs a little time and nothing else.

import type { Cid } from '../protocol/cid.ts'
import { addressKey } from './addresskey.ts'

/** Leaves of a tree that a peer must have said it has, and not one that it has not. */
export const TRUST_AFTER_LEAVES = 256
/** Trees remembered of one peer; the one heard of first is forgotten first. */
export const MAX_TRUSTED_TREES = 16

export class TreeTrust {
  /** Leaves that it said it has; -Infinity after a denial. */
  readonly #leaves = new Map<string, number>()

  /** It has a leaf of the tree. */
  confirm(treeCid: Cid): void {
    this.#set(treeCid, 1)
  }

  /** It has not got a leaf of the tree: never trusted again for it, because those that are still filling up have some now and not others. */
  deny(treeCid: Cid): void {
    this.#set(treeCid, -Infinity)
  }

  trusts(treeCid: Cid): boolean {
    return (this.#leaves.get(keyOf(treeCid)) ?? 0) >= TRUST_AFTER_LEAVES
  }

  #set(treeCid: Cid, added: number): void {
    const key = keyOf(treeCid)
    this.#leaves.set(key, (this.#leaves.get(key) ?? 0) + added)
    const [oldest] = this.#leaves.keys()
    if (this.#leaves.size > MAX_TRUSTED_TREES && oldest !== undefined) this.#leaves.delete(oldest)
  }
}

function keyOf(treeCid: Cid): string {
  return addressKey({ cid: treeCid })
}
