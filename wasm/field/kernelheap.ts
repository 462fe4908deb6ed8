// Memory above the kernel's own: areas lent and taken back, the memory grown exactly as needed. It knows nothing of what lies there.
//
// A WebAssembly memory never shrinks: it is given back with the instance. Free areas are used again, the lowest that is large
// enough first; neighbours are joined.

import { CodexError } from '../../src/lib/errors.ts'
import { assert } from '../../src/lib/errors.ts'

const ALIGNMENT = 64
const PAGE_BYTES = 1 << 16

interface Area {
  readonly from: number
  readonly to: number
}

export class KernelHeap {
  readonly #memory: WebAssembly.Memory
  readonly #maxBytes: number
  readonly #lent = new Map<number, number>()
  /** In order of addresses, never touching. */
  #free: Area[] = []
  #end: number
  #bytes: Uint8Array<ArrayBuffer>

  /** @param maxBytes of the whole memory; @param from the first address that may be lent */
  constructor(memory: WebAssembly.Memory, from: number, maxBytes: number) {
    this.#memory = memory
    this.#maxBytes = maxBytes
    this.#end = aligned(from)
    this.#bytes = new Uint8Array(memory.buffer)
  }

  /** Of the whole memory, whether lent or not. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength
  }

  /** Of areas lent at present. */
  get lentBytes(): number {
    return [...this.#lent].reduce((total, [from, to]) => total + to - from, 0)
  }

  /**
   * The address of an area; what lies there is anything.
   * @throws CodexError `field/out-of-memory` where the memory may not or cannot grow; nothing is lent then
   */
  lend(bytes: number): number {
    const size = aligned(Math.max(bytes, 1))
    const index = this.#free.findIndex(({ from, to }) => to - from >= size)
    const area = this.#free[index]
    if (area === undefined) return this.#append(size)
    const rest = { from: area.from + size, to: area.to }
    this.#free.splice(index, 1, ...(rest.from < rest.to ? [rest] : []))
    this.#lent.set(area.from, area.from + size)
    return area.from
  }

  /** Takes an area back. */
  takeBack(address: number): void {
    const to = this.#lent.get(address)
    assert(to !== undefined, 'an area that is taken back was lent')
    this.#lent.delete(address)
    const joined = [...this.#free, { from: address, to }].sort((a, b) => a.from - b.from)
    this.#free = []
    for (const area of joined) {
      const last = this.#free.at(-1)
      if (last?.to === area.from) this.#free.splice(-1, 1, { from: last.from, to: area.to })
      else this.#free.push(area)
    }
    const last = this.#free.at(-1)
    if (last?.to !== this.#end) return
    this.#end = last.from
    this.#free.pop()
  }

  /** The whole memory. Not to be kept: growing detaches it. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.buffer !== this.#memory.buffer) this.#bytes = new Uint8Array(this.#memory.buffer)
    return this.#bytes
  }

  #append(size: number): number {
    // What is free at the very end was given back to it, so the new area begins there.
    const from = this.#end
    const missing = from + size - this.#memory.buffer.byteLength
    if (missing > 0) this.#grow(missing)
    this.#end = from + size
    this.#lent.set(from, from + size)
    return from
  }

  #grow(missing: number): void {
    const pages = Math.ceil(missing / PAGE_BYTES)
    const wanted = this.#memory.buffer.byteLength + pages * PAGE_BYTES
    const refuse = (cause?: unknown): never => {
      throw new CodexError(
        'field/out-of-memory',
        `expected to grow the kernel's memory to ${wanted} bytes, found a limit of ${this.#maxBytes}`,
        { detail: { wantedBytes: wanted, maxBytes: this.#maxBytes }, cause },
      )
    }
    if (wanted > this.#maxBytes) refuse()
    try {
      this.#memory.grow(pages)
    } catch (error) {
      refuse(error)
    }
  }
}

function aligned(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT
}
