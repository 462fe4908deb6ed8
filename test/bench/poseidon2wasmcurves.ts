// Block hashes on the field arithmetic of wasmcurves: what one would have without a kernel of one's own. Only for comparison.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { toHex } from '../../src/lib/bytes.ts'
import { writeElement } from '../../wasm/poseidon2/fieldelement.ts'
import constants from '../../wasm/poseidon2/poseidon2constants.json' with { type: 'json' }
import type { Place, Sample } from './harness.ts'
import type * as Peer from './peers/wasmcurvespeer.js'
import type { WasmcurvesField } from './peers/wasmcurvespeer.js'
import { BLOCK_HASH, CELL_BYTES, mibPerSecond, sampleBlock } from './poseidon2sides.ts'

const ATTEMPTS = 20
const QUICK_ATTEMPTS = 2
const ELEMENT_BYTES = 32
const CHUNK_BYTES = 31
/** Above all that the module keeps in its memory. */
const FIRST_ADDRESS = 1 << 17

export async function measureWasmcurves({ root, quick }: Place): Promise<Sample> {
  const file = join(root, 'test/bench/peers/wasmcurvespeer.js')
  const { loadWasmcurves } = (await import(/* @vite-ignore */ pathToFileURL(file).href)) as typeof Peer
  const { memory, exports } = await loadWasmcurves()
  const hasher = new WasmcurvesHasher(new Uint8Array(memory.buffer), exports)
  const block = sampleBlock()
  let leastMs = Infinity
  for (let attempt = 0; attempt < (quick ? QUICK_ATTEMPTS : ATTEMPTS); attempt++) {
    const begin = performance.now()
    const hash = toHex(hasher.hashBlock(block))
    leastMs = Math.min(leastMs, performance.now() - begin)
    if (hash !== BLOCK_HASH) throw new Error(`expected the hash ${BLOCK_HASH}, found ${hash}`)
  }
  return { mibPerSecond: mibPerSecond(leastMs) }
}

/** The state is three elements; every operation is one call into the module, as programs above wasmcurves do it. */
class WasmcurvesHasher {
  readonly #memory: Uint8Array
  readonly #field: WasmcurvesField
  #next = FIRST_ADDRESS
  readonly #x = this.#element()
  readonly #y = this.#element()
  readonly #z = this.#element()
  readonly #sum = this.#element()
  readonly #power = this.#element()
  readonly #input = this.#element()
  readonly #nodes = Array.from({ length: 64 }, () => this.#element())
  readonly #external: readonly (readonly number[])[]
  readonly #internal: readonly number[]
  readonly #initial: number
  readonly #zero: number
  readonly #one: number

  constructor(memory: Uint8Array, field: WasmcurvesField) {
    this.#memory = memory
    this.#field = field
    this.#external = constants.external.map((row) => row.map((value) => this.#constant(BigInt(value))))
    this.#internal = constants.internal.map((value) => this.#constant(BigInt(value)))
    this.#initial = this.#constant(2n ** 64n + 256n * 3n + 2n)
    this.#zero = this.#constant(0n)
    this.#one = this.#constant(1n)
  }

  hashBlock(block: Uint8Array): Uint8Array {
    let count = block.length / CELL_BYTES
    for (let cell = 0; cell < count; cell++)
      this.#hashCell(block.subarray(cell * CELL_BYTES, (cell + 1) * CELL_BYTES), this.#node(cell))
    for (let key = this.#one; count > 1; key = this.#zero, count /= 2)
      for (let i = 0; i < count / 2; i++) {
        this.#copy(this.#node(2 * i), this.#x)
        this.#copy(this.#node(2 * i + 1), this.#y)
        this.#copy(key, this.#z)
        this.#permute()
        this.#copy(this.#x, this.#node(i))
      }
    this.#field.frm_fromMontgomery(this.#node(0), this.#x)
    return this.#memory.slice(this.#x, this.#x + ELEMENT_BYTES)
  }

  /** A whole cell has an odd number of elements: the marker of the padding makes it even. */
  #hashCell(cell: Uint8Array, result: number): void {
    this.#copy(this.#zero, this.#x)
    this.#copy(this.#zero, this.#y)
    this.#copy(this.#initial, this.#z)
    for (let from = 0; from <= cell.length; from += 2 * CHUNK_BYTES) {
      this.#absorb(cell.subarray(from, from + CHUNK_BYTES), this.#x)
      if (from + CHUNK_BYTES <= cell.length)
        this.#absorb(cell.subarray(from + CHUNK_BYTES, from + 2 * CHUNK_BYTES), this.#y)
      else this.#field.frm_add(this.#y, this.#one, this.#y)
      this.#permute()
    }
    this.#copy(this.#x, result)
  }

  #absorb(chunk: Uint8Array, word: number): void {
    this.#memory.fill(0, this.#input, this.#input + ELEMENT_BYTES)
    this.#memory.set(chunk, this.#input)
    if (chunk.length < CHUNK_BYTES) this.#memory[this.#input + chunk.length] = 1
    this.#field.frm_toMontgomery(this.#input, this.#input)
    this.#field.frm_add(word, this.#input, word)
  }

  #permute(): void {
    this.#externalLayer()
    const half = this.#external.length / 2
    for (const row of this.#external.slice(0, half)) this.#externalRound(row)
    for (const constant of this.#internal) this.#internalRound(constant)
    for (const row of this.#external.slice(half)) this.#externalRound(row)
  }

  #externalRound([a = 0, b = 0, c = 0]: readonly number[]): void {
    this.#box(this.#x, a)
    this.#box(this.#y, b)
    this.#box(this.#z, c)
    this.#externalLayer()
  }

  #internalRound(constant: number): void {
    this.#box(this.#x, constant)
    const { frm_add: add } = this.#field
    this.#total()
    add(this.#x, this.#sum, this.#x)
    add(this.#y, this.#sum, this.#y)
    add(this.#z, this.#z, this.#z)
    add(this.#z, this.#sum, this.#z)
  }

  #externalLayer(): void {
    this.#total()
    for (const word of [this.#x, this.#y, this.#z]) this.#field.frm_add(word, this.#sum, word)
  }

  #total(): void {
    this.#field.frm_add(this.#x, this.#y, this.#sum)
    this.#field.frm_add(this.#sum, this.#z, this.#sum)
  }

  #box(word: number, constant: number): void {
    this.#field.frm_add(word, constant, word)
    this.#field.frm_square(word, this.#power)
    this.#field.frm_square(this.#power, this.#power)
    this.#field.frm_mul(word, this.#power, word)
  }

  #node(i: number): number {
    return this.#nodes[i] ?? Number.NaN
  }

  #copy(from: number, to: number): void {
    this.#memory.copyWithin(to, from, from + ELEMENT_BYTES)
  }

  #constant(value: bigint): number {
    const address = this.#element()
    writeElement(value, this.#memory, address)
    this.#field.frm_toMontgomery(address, address)
    return address
  }

  #element(): number {
    this.#next += ELEMENT_BYTES
    return this.#next - ELEMENT_BYTES
  }
}
