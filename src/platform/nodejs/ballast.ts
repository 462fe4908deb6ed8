// A file that does nothing but take room on the disk, so that there is some to give up when the rest is used up: without a little of it the
// index can neither be opened nor remove anything. It is no data, and no part of the quota.

import { randomFillSync } from 'node:crypto'
import { open, rm, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'

/** Above what the index writes while it is opened or mended: its log once more, 4 MiB or a little over, and {@link PIECE_BYTES}. */
export const BALLAST_BYTES: Bytes = 8 * MiB
/** It is made where so much is free, so that at least as much stays free as it takes. */
export const BALLAST_ROOM_BYTES: Bytes = 2 * BALLAST_BYTES

const PIECE_BYTES: Bytes = MiB

/** Nothing here fails: a node without ballast works, and only a full disk shows the difference. */
export class Ballast {
  readonly #path: string
  #isGivenUp = false

  /** @param path in a folder that only one node has open */
  constructor(path: string) {
    this.#path = path
  }

  /** Makes it, or makes it whole again, where there is room. To be called once the index is open. */
  async load(): Promise<void> {
    try {
      if ((await this.#size()) === BALLAST_BYTES) return
      await rm(this.#path, { force: true })
      if ((await freeBytes(this.#path)) >= BALLAST_ROOM_BYTES) await this.#fill()
    } catch {
      await this.#remove()
    }
  }

  /** Gives its room to whoever needs it now. @returns whether there was any */
  async giveUp(): Promise<boolean> {
    if ((await this.#size()) === 0) return false
    this.#isGivenUp = true
    return await this.#remove()
  }

  /** Takes back what is left of the room it gave up, so that nobody else takes it before the next opening. To be called last. */
  async takeBack(): Promise<void> {
    if (!this.#isGivenUp) return
    this.#isGivenUp = false
    // What fits is worth keeping.
    await this.#fill().catch(() => undefined)
  }

  /** Noise, because some file systems give zeros no room. */
  async #fill(): Promise<void> {
    const file = await open(this.#path, 'w', 0o600)
    try {
      const piece = randomFillSync(new Uint8Array(PIECE_BYTES))
      for (let done = 0; done < BALLAST_BYTES; done += piece.length) await file.writeFile(piece)
    } finally {
      await file.close()
    }
  }

  async #size(): Promise<Bytes> {
    return await stat(this.#path).then(
      ({ size }) => size,
      () => 0,
    )
  }

  async #remove(): Promise<boolean> {
    return await rm(this.#path, { force: true }).then(
      () => true,
      () => false,
    )
  }
}

/** What a user without special rights may still write to the disk of `path`'s folder. */
async function freeBytes(path: string): Promise<Bytes> {
  const { bavail, bsize } = await statfs(dirname(path))
  return bavail * bsize
}
