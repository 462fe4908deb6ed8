// A proving key's long sections as blocks, each with its hash: so that what is read again later, of whichever range, is what was read
// first. It reads and keeps hashes only.

import type { AbortOptions } from '../lib/abort.ts'
import { concatBytes, equalBytes, toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { isShared } from '../workers/lend.ts'
import { G1_BYTES, G2_BYTES } from './bn254.ts'
import { POINT_SETS, type PointSetName } from './residentkey.ts'
import type { Zkey } from './zkey.ts'

/** Points of one block: parts of a key begin and end between blocks. */
export const BLOCK_POINTS = 1024
/** Blocks read at a time: 1 MiB of points in G1. */
const PIECE_BLOCKS = 16

export type HashedSection = PointSetName | 'coefficients'

interface SectionBlocks {
  /** Of all blocks but the last. */
  readonly blockBytes: Bytes
  readonly hashes: readonly Uint8Array[]
  /** Points of each block that are not infinity; of coefficients nothing. */
  readonly finite: readonly number[]
}

export class KeyBlocks {
  readonly zkey: Zkey
  /** Names the key by what is in it. */
  readonly name: string
  readonly #sections: Readonly<Record<HashedSection, SectionBlocks>>

  private constructor(zkey: Zkey, name: string, sections: Readonly<Record<HashedSection, SectionBlocks>>) {
    this.zkey = zkey
    this.name = name
    this.#sections = sections
  }

  /** Reads all of it once. @throws CodexError `proving/unreadable-source` */
  static async read(zkey: Zkey, options: AbortOptions): Promise<KeyBlocks> {
    const sections: Partial<Record<HashedSection, SectionBlocks>> = {}
    for (const name of [...POINT_SETS, 'coefficients'] as const) sections[name] = await readBlocks(zkey, name, options)
    const whole = sections as Record<HashedSection, SectionBlocks>
    const { alpha1, beta1, delta1, beta2, gamma2, delta2 } = zkey.header
    const all = Object.values(whole).flatMap(({ hashes }) => hashes)
    const name = toHex(await sha256(concatBytes(alpha1, beta1, delta1, beta2, gamma2, delta2, ...all)))
    return new KeyBlocks(zkey, name, whole)
  }

  /** How many points of each block are in memory once they are brought. */
  finitePerBlock(set: PointSetName): readonly number[] {
    return this.#sections[set].finite
  }

  /** Points of a set, those at infinity included. */
  pointCount(set: PointSetName): number {
    return this.zkey.sections[set].length / pointBytes(set)
  }

  /**
   * Blocks `from` to `to` (exclusive) of a section, in memory from `allocate`.
   * @throws CodexError `proving/key-changed` where they are not what they were, `proving/unreadable-source`
   */
  async load(
    section: HashedSection,
    { from, to }: { readonly from: number; readonly to: number },
    allocate: (bytes: Bytes) => Uint8Array,
    options: AbortOptions,
  ): Promise<Uint8Array> {
    const { blockBytes, hashes } = this.#sections[section]
    const { offset, length } = this.zkey.sections[section]
    const [start, end] = [Math.min(length, from * blockBytes), Math.min(length, to * blockBytes)]
    const bytes = allocate(end - start)
    for (let block = from; block < to; block += PIECE_BLOCKS) {
      const at = block * blockBytes
      const piece = await this.zkey.source.read(offset + at, Math.min(PIECE_BLOCKS * blockBytes, end - at), options)
      const found = await hashBlocks(piece, blockBytes)
      if (!found.every((hash, i) => equalBytes(hash, hashes[block + i] ?? new Uint8Array()))) throw changed(section)
      bytes.set(piece, at - start)
    }
    return bytes
  }

  /** Of a section. */
  blockCount(section: HashedSection): number {
    return this.#sections[section].hashes.length
  }
}

export function pointBytes(set: PointSetName): Bytes {
  return set === 'b2' ? G2_BYTES : G1_BYTES
}

async function readBlocks(zkey: Zkey, name: HashedSection, options: AbortOptions): Promise<SectionBlocks> {
  const size = name === 'coefficients' ? G1_BYTES : pointBytes(name)
  const blockBytes = BLOCK_POINTS * size
  const { offset, length } = zkey.sections[name]
  const hashes: Uint8Array[] = []
  const finite: number[] = []
  for (let at = 0; at < length; at += PIECE_BLOCKS * blockBytes) {
    const piece = await zkey.source.read(offset + at, Math.min(PIECE_BLOCKS * blockBytes, length - at), options)
    hashes.push(...(await hashBlocks(piece, blockBytes)))
    if (name === 'coefficients') continue
    for (let from = 0; from < piece.length; from += blockBytes)
      finite.push(countFinite(piece.subarray(from, from + blockBytes), size))
  }
  return { blockBytes, hashes, finite }
}

async function hashBlocks(piece: Uint8Array, blockBytes: Bytes): Promise<Uint8Array[]> {
  const blocks = Array.from({ length: Math.ceil(piece.length / blockBytes) }, (_, i) =>
    piece.subarray(i * blockBytes, (i + 1) * blockBytes),
  )
  return Promise.all(blocks.map(sha256))
}

/** The platform refuses shared memory. */
async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const own = isShared(bytes.buffer) ? bytes.slice() : bytes
  return new Uint8Array(await crypto.subtle.digest('SHA-256', own as Uint8Array<ArrayBuffer>))
}

/** Almost every point shows in its first byte that it is not infinity. */
function countFinite(points: Uint8Array, size: Bytes): number {
  let count = 0
  for (let from = 0; from < points.length; from += size) {
    let at = from
    while (at < from + size && points[at] === 0) at++
    if (at < from + size) count++
  }
  return count
}

function changed(section: HashedSection): CodexError {
  return new CodexError(
    'proving/key-changed',
    `zkey file, section ${section}: expected what was there when it was opened, found other bytes; get the file anew`,
    { detail: { field: `section ${section}` } },
  )
}
