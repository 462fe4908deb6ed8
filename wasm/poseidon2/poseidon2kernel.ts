// Poseidon2 by the compiled kernel: hashes, blocks and Merkle layers in batches. It lays out the kernel's memory and checks
// what comes in; it computes nothing itself and keeps nothing between calls.
//
// Memory, above the kernel's own (see assembly/kernel.ts), at addresses that never move:
//   from `buffer()`            32 KiB of input: a piece of each lane's message, or items of three elements
//   from `buffer()` + 32 KiB   32 KiB of output
// It is the same whatever the batch: calls copy it in and out in pieces. No call returns views into it.
//
// All calls are synchronous. A 64 KiB block has 1119 permutations; where `npm run bench -- poseidon2` was written it took 7 ms
// with relaxed SIMD and 12 ms without. Callers that must hear of an abort within 50 ms pass a block or two, or up to a thousand
// nodes, per call: that fills the lanes as well as more would.

import { CodexError } from '../../src/lib/errors.ts'
import { checkElement, ELEMENT_BYTES, readElement, writeElement } from './fieldelement.ts'
import type { KernelExports } from './kernelexports.ts'

export type Poseidon2Variant = 'scalar' | 'relaxed-simd'

export type Poseidon2State = readonly [bigint, bigint, bigint]

/** Every element is 32 little-endian bytes, below the field's order; one after the other, nothing in between. */
export interface BlockHashes {
  /** In order of cells, block after block. */
  readonly cellHashes: Uint8Array
  /** In order of blocks. */
  readonly blockHashes: Uint8Array
}

/** What one permutation absorbs: two chunks of 31 bytes. */
const GROUP_BYTES = 62
/** Of one lane at a time: 128 groups, and a little that may be read beyond them. */
const PIECE_BYTES = 128 * GROUP_BYTES
const LANE_BYTES = PIECE_BYTES + 16
const INPUT_BYTES = 1 << 15
const OUTPUT_BYTES = 1 << 15
const PAGE_BYTES = 1 << 16

const WIDTH = 3
const ITEM_BYTES = WIDTH * ELEMENT_BYTES
/** Of a batch of permutations; a multiple of every number of lanes. */
const ITEMS = 256
/** Added to the key where the right node is missing (data reference §2.1). */
const ODD_KEY = 2

export class Poseidon2Kernel {
  readonly variant: Poseidon2Variant
  readonly #exports: KernelExports
  readonly #memory: Uint8Array
  readonly #input: number
  readonly #output: number
  readonly #lanes: number

  /** @param exports of an instance that nobody else uses */
  constructor(variant: Poseidon2Variant, exports: KernelExports) {
    this.variant = variant
    this.#exports = exports
    this.#lanes = exports.lanes()
    this.#input = exports.buffer()
    this.#output = this.#input + INPUT_BYTES
    const missing = this.#output + OUTPUT_BYTES - exports.memory.buffer.byteLength
    if (missing > 0) exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.#memory = new Uint8Array(exports.memory.buffer)
  }

  /** The permutation (data reference §2.4). @throws CodexError `poseidon2/not-an-element` */
  permute(state: Poseidon2State): Poseidon2State {
    state.forEach((element, i) => writeElement(element, this.#memory, this.#input + ELEMENT_BYTES * i))
    this.#exports.permutations(this.#input, 1, this.#output, WIDTH)
    const word = (i: number): bigint => readElement(this.#memory, this.#output + ELEMENT_BYTES * i)
    return [word(0), word(1), word(2)]
  }

  /** Keyed compression (§2.5): the first word of the permutation of (x, y, key). @throws CodexError `poseidon2/not-an-element` */
  compress(x: bigint, y: bigint, key: bigint): bigint {
    return this.permute([x, y, key])[0]
  }

  /** The sponge of rate 2 over elements (§2.7). @throws CodexError `poseidon2/not-an-element` */
  sponge(elements: readonly bigint[]): bigint {
    elements.forEach(checkElement)
    const padded = [...elements, 1n]
    if (padded.length % 2 === 1) padded.push(0n)
    this.#exports.begin()
    for (let from = 0; from < padded.length; from += 2 * ITEMS) {
      const piece = padded.slice(from, from + 2 * ITEMS)
      piece.forEach((element, i) => writeElement(element, this.#memory, this.#input + ELEMENT_BYTES * i))
      this.#exports.absorbElements(this.#input, piece.length / 2)
    }
    this.#exports.squeeze(this.#output)
    return readElement(this.#memory, this.#output)
  }

  /** The sponge of rate 2 over bytes, packed by 31 (§2.6). Computed in one lane, whatever the variant. */
  hashBytes(bytes: Uint8Array): bigint {
    return readElement(this.#hashMessages(bytes, [0], bytes.length))
  }

  /**
   * Cells and blocks (§7.2): a cell's hash is its sponge, a block's the Merkle root of its cells. The last cell of every block
   * is shorter where `cellSize` does not divide `blockSize`.
   * @param bytes whole blocks, one after the other; none is fine
   * @throws CodexError `poseidon2/wrong-size` for sizes that are not whole numbers from 1 on, or bytes that are not whole blocks
   */
  hashBlocks(bytes: Uint8Array, blockSize: number, cellSize: number): BlockHashes {
    checkSizes(bytes.length, blockSize, cellSize)
    const blocks = bytes.length / blockSize
    const wholeCells = Math.floor(blockSize / cellSize)
    const offsets = (first: number, count: number): number[] =>
      Array.from(
        { length: blocks * count },
        (_, i) => Math.floor(i / count) * blockSize + first + (i % count) * cellSize,
      )
    const whole = this.#hashMessages(bytes, offsets(0, wholeCells), cellSize)
    const restBytes = blockSize - wholeCells * cellSize
    if (restBytes === 0) return { cellHashes: whole, blockHashes: this.#rootsOf(whole, wholeCells) }
    const rests = this.#hashMessages(bytes, offsets(wholeCells * cellSize, 1), restBytes)
    const cellHashes = interleave(whole, wholeCells * ELEMENT_BYTES, rests, ELEMENT_BYTES)
    return { cellHashes, blockHashes: this.#rootsOf(cellHashes, wholeCells + 1) }
  }

  /**
   * The layer above `nodes` (§2.1): half as many, rounded up. Pairs are independent: a long layer may be passed in pieces, as
   * long as all but the last have an even number of nodes.
   * @param isBottom whether `nodes` are the leaves of the tree
   * @throws CodexError `poseidon2/wrong-size` or `poseidon2/not-an-element`
   */
  merkleLayer(nodes: Uint8Array, isBottom: boolean): Uint8Array {
    this.#checkElements(nodes)
    return this.#layerAbove(nodes, nodes.length / ELEMENT_BYTES, isBottom)
  }

  /**
   * All layers, the leaves first and the root last. A single leaf is compressed too.
   * @throws CodexError `poseidon2/no-leaves`, `poseidon2/wrong-size` or `poseidon2/not-an-element`
   */
  merkleLayers(leaves: Uint8Array): readonly Uint8Array[] {
    this.#checkElements(leaves)
    if (leaves.length === 0)
      throw new CodexError('poseidon2/no-leaves', 'expected at least one leaf, found none: an empty tree has no root')
    const layers = [leaves]
    for (let layer = leaves; layers.length === 1 || layer.length > ELEMENT_BYTES; layers.push(layer))
      layer = this.#layerAbove(layer, layer.length / ELEMENT_BYTES, layer === leaves)
    return layers
  }

  /** 32 bytes. @throws as {@link merkleLayers} does */
  merkleRoot(leaves: Uint8Array): Uint8Array {
    return this.merkleLayers(leaves).at(-1) ?? leaves
  }

  /** The sponges of messages of one length, in any places of `bytes`. */
  #hashMessages(bytes: Uint8Array, offsets: readonly number[], length: number): Uint8Array {
    const hashes = new Uint8Array(ELEMENT_BYTES * offsets.length)
    const wholeBytes = length - (length % GROUP_BYTES)
    for (let first = 0; first < offsets.length; first += this.#lanes) {
      const lanes = offsets.slice(first, first + this.#lanes)
      this.#exports.begin()
      for (let from = 0; from < wholeBytes; from += PIECE_BYTES) {
        const to = Math.min(from + PIECE_BYTES, wholeBytes)
        this.#copyIn(bytes, lanes, from, to)
        this.#exports.absorb(this.#input, LANE_BYTES, (to - from) / GROUP_BYTES)
      }
      this.#copyIn(bytes, lanes, wholeBytes, length)
      this.#exports.finish(this.#input, LANE_BYTES, length - wholeBytes, this.#output)
      hashes.set(this.#outputBytes(ELEMENT_BYTES * lanes.length), ELEMENT_BYTES * first)
    }
    return hashes
  }

  #copyIn(bytes: Uint8Array, offsets: readonly number[], from: number, to: number): void {
    offsets.forEach((offset, lane) => {
      this.#memory.set(bytes.subarray(offset + from, offset + to), this.#input + LANE_BYTES * lane)
    })
  }

  /** The roots of trees of `leafCount` leaves each. */
  #rootsOf(leaves: Uint8Array, leafCount: number): Uint8Array {
    let layer = leaves
    for (let width = leafCount; layer === leaves || width > 1; width = Math.ceil(width / 2))
      layer = this.#layerAbove(layer, width, layer === leaves)
    return layer
  }

  /** The layers above those of trees that are `width` nodes wide here. */
  #layerAbove(nodes: Uint8Array, width: number, isBottom: boolean): Uint8Array {
    const nextWidth = Math.ceil(width / 2)
    const count = width === 0 ? 0 : (nodes.length / ELEMENT_BYTES / width) * nextWidth
    const above = new Uint8Array(ELEMENT_BYTES * count)
    for (let first = 0; first < count; first += ITEMS) {
      const items = Math.min(ITEMS, count - first)
      this.#memory.fill(0, this.#input, this.#input + ITEM_BYTES * items)
      for (let i = 0; i < items; i++) {
        const left = 2 * ((first + i) % nextWidth)
        const from = Math.floor((first + i) / nextWidth) * width + left
        const isOdd = left + 1 === width
        const pair = nodes.subarray(ELEMENT_BYTES * from, ELEMENT_BYTES * (from + (isOdd ? 1 : 2)))
        const item = this.#input + ITEM_BYTES * i
        this.#memory.set(pair, item)
        this.#memory[item + 2 * ELEMENT_BYTES] = (isBottom ? 1 : 0) + (isOdd ? ODD_KEY : 0)
      }
      this.#exports.permutations(this.#input, items, this.#output, 1)
      above.set(this.#outputBytes(ELEMENT_BYTES * items), ELEMENT_BYTES * first)
    }
    return above
  }

  #outputBytes(length: number): Uint8Array {
    return this.#memory.subarray(this.#output, this.#output + length)
  }

  #checkElements(elements: Uint8Array): void {
    if (elements.length % ELEMENT_BYTES !== 0)
      throw new CodexError('poseidon2/wrong-size', `expected elements of 32 bytes, found ${elements.length} bytes`)
    for (let from = 0; from < elements.length; from += INPUT_BYTES) {
      const piece = elements.subarray(from, from + INPUT_BYTES)
      this.#memory.set(piece, this.#input)
      const found = this.#exports.firstOutOfRange(this.#input, piece.length / ELEMENT_BYTES)
      if (found < 0) continue
      const index = from / ELEMENT_BYTES + found
      throw new CodexError(
        'poseidon2/not-an-element',
        `expected elements below the order of the field, found a larger one at index ${index}`,
        { detail: { index } },
      )
    }
  }
}

function checkSizes(length: number, blockSize: number, cellSize: number): void {
  const isSize = (size: number): boolean => Number.isSafeInteger(size) && size > 0
  if (isSize(blockSize) && isSize(cellSize) && length % blockSize === 0) return
  throw new CodexError(
    'poseidon2/wrong-size',
    `expected whole blocks of ${blockSize} bytes in cells of ${cellSize}, found ${length} bytes`,
    { detail: { length, blockSize, cellSize } },
  )
}

/** `aBytes` of `a`, then `bBytes` of `b`, and so on to the end of both. */
function interleave(a: Uint8Array, aBytes: number, b: Uint8Array, bBytes: number): Uint8Array {
  const whole = new Uint8Array(a.length + b.length)
  for (let at = 0, i = 0; at < whole.length; at += aBytes + bBytes, i++) {
    whole.set(a.subarray(aBytes * i, aBytes * (i + 1)), at)
    whole.set(b.subarray(bBytes * i, bBytes * (i + 1)), at + aBytes)
  }
  return whole
}
