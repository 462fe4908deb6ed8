// One instance of the compiled kernel, its memory and who is laid out in it. It computes nothing itself.
//
// The memory map, in bytes:
//
//     0        nobody's
//     1024     GF(2^8): powers by logarithm (u16 x 256), then logarithms of 1, 2, 4... 128 (u16 x 8)
//     2048     GF(2^16): logarithms of 1, 2, 4... 32768 (u16 x 16)
//     4096     GF(2^16): powers by logarithm (u16 x 65536)
//     135168   the resident program's: tables, marks and rows, as the program's own file draws them
//
// One program is resident at a time, so that memory is bounded by the largest program and not by how many there are. One
// that comes back writes its tables again, which costs less than what a single block of 64 KiB does.

import { fieldKernel, type KernelExports } from './kernelexports.ts'
import { MAX_POSITIONS } from './leopardshape.ts'
import { leopardTables } from './leopardtables.ts'

const EXP8 = 1024
const BASIS8 = EXP8 + 2 * 256
const BASIS16 = 2048
const EXP16 = 4096
const PROGRAM = EXP16 + 2 * MAX_POSITIONS

const ALIGN_BYTES = 64
const PAGE_BYTES = 65_536

export class KernelMemory {
  readonly kernel: KernelExports
  #bytes: Uint8Array
  #resident: object | undefined

  constructor(kernel: KernelExports) {
    this.kernel = kernel
    this.#bytes = new Uint8Array(kernel.memory.buffer)
  }

  /** The whole memory; {@link settle} may replace it. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Makes `program` the resident one, with room up to `end`. Calls `write` for its tables unless they are still there. */
  settle(program: object, end: number, write: () => void): void {
    if (this.#resident === program) return
    this.#resident = undefined // Until its tables are written: should that fail, it is no resident.
    const missing = end - this.#bytes.length
    if (missing > 0) {
      this.kernel.memory.grow(Math.ceil(missing / PAGE_BYTES))
      this.#bytes = new Uint8Array(this.kernel.memory.buffer)
    }
    write()
    this.#resident = program
  }

  /** Writes `logs` at `logsAt`, as u16, and the tables of the constants they stand for at `tablesAt`. */
  writeTables(bits: 8 | 16, logsAt: number, logs: Uint16Array, tablesAt: number): void {
    const [expAt, basisAt] = bits === 8 ? [EXP8, BASIS8] : [EXP16, BASIS16]
    const { log, exp } = leopardTables(bits)
    this.#write16(expAt, exp)
    this.#write16(
      basisAt,
      Uint16Array.from({ length: bits }, (_, bit) => log[2 ** bit] as number),
    )
    this.#write16(logsAt, logs)
    fieldKernel(this.kernel, bits).writeTables(tablesAt, logsAt, logs.length, expAt, basisAt)
  }

  /** Writes running totals: how many of the first i rows are `marked`, for i from 0 to `count`. 4 bytes each. */
  writeMarks(at: number, marked: Iterable<number>, count: number): void {
    const totals = new Uint32Array(this.#bytes.buffer, at, count + 1).fill(0)
    for (const row of marked) totals[row + 1] = 1
    for (let i = 0; i < count; i++) totals[i + 1] = (totals[i + 1] as number) + (totals[i] as number)
  }

  #write16(at: number, values: Uint16Array): void {
    new Uint16Array(this.#bytes.buffer, at, values.length).set(values)
  }
}

/** Deals out a program's room, part after part. */
export class Layout {
  #end = PROGRAM

  get end(): number {
    return this.#end
  }

  take(bytes: number): number {
    const at = this.#end
    this.#end += Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES
    return at
  }
}
