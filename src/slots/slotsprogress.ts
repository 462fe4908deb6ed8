// How far work on slots is. Counts what it is told, and tells whoever wants to know; it owns no clock.

import type { Bytes } from '../lib/units.ts'
import { BLOCK_SIZE } from '../protocol/block.ts'

/** `protecting` computes parity and hashes, `hashing` hashes what is stored. */
export type SlotsStage = 'protecting' | 'hashing' | 'repairing' | 'decoding'

export interface SlotsProgress {
  readonly stage: SlotsStage
  /** Bytes of blocks that are through all computing, parity included where there is any to compute. */
  readonly doneBytes: Bytes
  readonly totalBytes: Bytes
  /** The slots worked on, in order; none while decoding. A new list each time. */
  readonly slots: readonly SlotProgress[]
}

export interface SlotProgress {
  readonly index: number
  readonly doneBlocks: number
  readonly blocks: number
}

/** Tells once at the beginning and then for each batch: some times a second, since a batch is hashed in a fifth of one. */
export class SlotsMeter {
  readonly #stage: SlotsStage
  readonly #slots: { index: number; doneBlocks: number; readonly blocks: number }[]
  readonly #tell: ((progress: SlotsProgress) => void) | undefined
  readonly #totalBlocks: number
  #doneBlocks = 0

  /** @param slots those that are worked on, of `blocks` blocks each */
  constructor(
    stage: SlotsStage,
    { slots, blocks }: { readonly slots: readonly number[]; readonly blocks: number },
    tell: ((progress: SlotsProgress) => void) | undefined,
  ) {
    this.#stage = stage
    this.#slots = slots.map((index) => ({ index, doneBlocks: 0, blocks }))
    this.#totalBlocks = slots.length === 0 ? blocks : slots.length * blocks
    this.#tell = tell
    this.#report()
  }

  /** @param places the slot of each block that is done, by position in the list of slots; none while decoding */
  advance(blocks: number, places: readonly number[] = []): void {
    for (const place of places) {
      const slot = this.#slots[place]
      if (slot !== undefined) slot.doneBlocks++
    }
    this.#doneBlocks += blocks
    this.#report()
  }

  /** As {@link SlotsMeter.advance} for blocks of one slot. */
  advanceSlot(place: number, blocks: number): void {
    const slot = this.#slots[place]
    if (slot !== undefined) slot.doneBlocks += blocks
    this.#doneBlocks += blocks
    this.#report()
  }

  #report(): void {
    this.#tell?.({
      stage: this.#stage,
      doneBytes: this.#doneBlocks * BLOCK_SIZE,
      totalBytes: this.#totalBlocks * BLOCK_SIZE,
      slots: this.#slots.map((slot) => ({ ...slot })),
    })
  }
}
