// Section 4 of a Groth16 key: the coefficients of the constraints' left sides, A and B, and what a prover computes from them and a witness.
// They stay in the kernel, converted once. Formats of the file's other sections are not known here.
//
// Lanes must never meet in a row. So the coefficients go by rows, the first half of them to the first lane, cut between two rows.

import { CodexError } from '../../src/lib/errors.ts'
import {
  checkNumbers,
  countOf,
  ELEMENT_BYTES,
  type KernelParts,
  lending,
  NUMBER_BYTES,
  SLICE_NUMBERS,
} from './kernelparts.ts'
import { ScalarSet } from './scalarset.ts'
import type { Sliced } from './sliced.ts'
import { checkSize, placeShare, type RootTable, toOddPowers } from './transforms.ts'

/** Matrix, row and signal of 4 bytes each, then the value. */
const ENTRY_BYTES = 12 + NUMBER_BYTES
const COUNT_BYTES = 4
/** Of witness index and row. */
const PLACE_BYTES = 8
/** Coefficients of a lane placed, or multiplied, in one slice. */
const SLICE_ENTRIES = 8192

export interface KeyShape {
  /** Of rows: a power of two, at least 2. */
  readonly domain: number
  /** Of wires. */
  readonly witnesses: number
}

export class Coefficients {
  readonly shape: KeyShape
  readonly #parts: KernelParts
  readonly #roots: RootTable
  /** Of coefficients of one lane. */
  readonly #length: number
  readonly #values: number
  readonly #places: number
  #isFree = false

  private constructor(
    parts: KernelParts,
    roots: RootTable,
    shape: KeyShape,
    { length, values, places }: { readonly length: number; readonly values: number; readonly places: number },
  ) {
    this.#parts = parts
    this.#roots = roots
    this.shape = shape
    this.#length = length
    this.#values = values
    this.#places = places
  }

  /**
   * @param section the whole section: a count, then entries of 44 bytes; values in the form of files, twice
   * @throws CodexError `field/wrong-size`, `field/not-a-coefficient`, `field/not-an-element` or `field/out-of-memory`; nothing stays lent then
   */
  static *place(parts: KernelParts, roots: RootTable, section: Uint8Array, shape: KeyShape): Sliced<Coefficients> {
    checkSize(shape.domain)
    if (shape.domain < 2) throw new CodexError('field/wrong-size', `expected at least 2 rows, found ${shape.domain}`)
    const entries = readEntries(section)
    const lanes = yield* laneEntries(entries, shape, parts.lanes)
    const length = Math.max(...lanes.map((lane) => lane.length), 1)
    const areas: number[] = []
    try {
      for (const bytes of [ELEMENT_BYTES, PLACE_BYTES]) areas.push(parts.heap.lend(bytes * parts.lanes * length))
      const [values = 0, places = 0] = areas
      yield* enterEntries(parts, entries, lanes, shape, { length, values, places })
      yield* roots.grow(shape.domain)
      areas.length = 0
      return new Coefficients(parts, roots, shape, { length, values, places })
    } finally {
      areas.forEach((area) => parts.heap.takeBack(area))
    }
  }

  /**
   * The scalars of section 9: A B - C at the odd powers of the root of unity of twice the domain's order, where C is the polynomial of
   * least degree that agrees with A B on the domain.
   * @param witness plain, one number per wire
   * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`
   */
  *quotient(witness: Uint8Array): Sliced<ScalarSet> {
    const parts = this.#parts
    const { domain, witnesses } = this.shape
    if (countOf(witness, NUMBER_BYTES, 'numbers') !== witnesses)
      throw new CodexError(
        'field/wrong-size',
        `expected a witness of ${witnesses} numbers, found ${witness.length / NUMBER_BYTES}`,
        { detail: { witnesses, found: witness.length / NUMBER_BYTES } },
      )
    const result = parts.heap.lend(NUMBER_BYTES * domain)
    let isDone = false
    const arrayBytes = ELEMENT_BYTES * domain
    const vectorBytes = ELEMENT_BYTES * parts.lanes
    const sizes = [3 * arrayBytes + vectorBytes, NUMBER_BYTES * 2, ELEMENT_BYTES * 2]
    const fillRows = this.#fillRows(witness)
    const roots = this.#roots
    try {
      yield* lending(parts, sizes, function* (a = 0, share = 0, factors = 0) {
        yield* fillRows(a)
        const [b, c] = [a + arrayBytes, a + 2 * arrayBytes]
        yield* eachSlice(parts, domain, (from, count) => {
          parts.exports.multiplyAllR(c + from, a + from, b + from, count)
        })
        for (const array of [a, b, c]) yield* toOddPowers(parts, roots, array, domain)
        // All three are too large by the domain's size.
        placeShare(parts, domain, share, factors)
        const vectors = domain / parts.lanes
        yield* eachSlice(parts, domain, (from, count, first) => {
          parts.exports.multiplyAllR(a + from, a + from, b + from, count)
          parts.exports.scaleAllR(a + from, a + from, factors, count)
          parts.exports.subtractAllR(a + from, a + from, c + from, count)
          parts.exports.leaveScaled(a + from, result + NUMBER_BYTES * first, count, vectors, factors + ELEMENT_BYTES)
        })
      })
      isDone = true
      return new ScalarSet(parts, result, domain)
    } finally {
      if (!isDone) parts.heap.takeBack(result)
    }
  }

  /** A w and B w, one behind the other, into cleared rows. */
  #fillRows(witness: Uint8Array): (rows: number) => Sliced<void> {
    const parts = this.#parts
    const { exports, heap, lanes } = parts
    const { domain, witnesses } = this.shape
    const [values, places, length] = [this.#values, this.#places, this.#length]
    return function* (rows) {
      heap.bytes.fill(0, rows, rows + 2 * ELEMENT_BYTES * domain + ELEMENT_BYTES * lanes)
      const sizes = [ELEMENT_BYTES * (witnesses + 1), NUMBER_BYTES * (SLICE_NUMBERS + 1)]
      yield* lending(parts, sizes, function* (elements = 0, numbers = 0) {
        for (let from = 0; from < witnesses; from += SLICE_NUMBERS) {
          const piece = witness.subarray(NUMBER_BYTES * from, NUMBER_BYTES * (from + SLICE_NUMBERS))
          const count = piece.length / NUMBER_BYTES
          heap.bytes.set(piece, numbers)
          heap.bytes.fill(0, numbers + piece.length, numbers + piece.length + NUMBER_BYTES)
          checkNumbers(parts, 'R', numbers, count, from)
          exports.enterElements(numbers, elements + ELEMENT_BYTES * from, count, 0)
          yield
        }
        for (let from = 0; from < length; from += SLICE_ENTRIES) {
          const at = values + ELEMENT_BYTES * lanes * from
          const end = values + ELEMENT_BYTES * lanes * Math.min(length, from + SLICE_ENTRIES)
          exports.accumulateRows(at, places + PLACE_BYTES * lanes * from, end, elements, rows)
          yield
        }
      })
    }
  }

  /** Gives the memory back; once. */
  free(): void {
    if (this.#isFree) return
    this.#isFree = true
    this.#parts.heap.takeBack(this.#values)
    this.#parts.heap.takeBack(this.#places)
  }
}

/** An array of the domain's size in slices: where in the array, how many vectors, from which vector. */
function* eachSlice(
  { lanes }: KernelParts,
  domain: number,
  act: (from: number, count: number, first: number) => void,
): Sliced<void> {
  const vectors = domain / lanes
  for (let first = 0; first < vectors; first += SLICE_NUMBERS) {
    act(ELEMENT_BYTES * lanes * first, Math.min(SLICE_NUMBERS, vectors - first), first)
    yield
  }
}

interface Entries {
  readonly count: number
  readonly view: DataView
}

function readEntries(section: Uint8Array): Entries {
  const view = new DataView(section.buffer, section.byteOffset, section.byteLength)
  const count = section.length < COUNT_BYTES ? 0 : view.getUint32(0, true)
  if (section.length !== COUNT_BYTES + ENTRY_BYTES * count)
    throw new CodexError(
      'field/wrong-size',
      `expected ${COUNT_BYTES + ENTRY_BYTES * count} bytes for ${count} coefficients, found ${section.length}`,
      { detail: { coefficients: count, length: section.length } },
    )
  return { count, view }
}

/** The indices of each lane's entries. */
function* laneEntries({ count, view }: Entries, shape: KeyShape, lanes: number): Sliced<Uint32Array[]> {
  const order = new Uint32Array(count)
  for (let i = 0; i < count; i++) order[i] = i
  const rowOf = (index: number): number => view.getUint32(COUNT_BYTES + ENTRY_BYTES * index + 4, true)
  let isSorted = true
  let last = 0
  for (let i = 0; i < count; i++) {
    const at = COUNT_BYTES + ENTRY_BYTES * i
    const matrix = view.getUint32(at, true)
    const row = view.getUint32(at + 4, true)
    const signal = view.getUint32(at + 8, true)
    if (matrix > 1 || row >= shape.domain || signal >= shape.witnesses)
      throw new CodexError(
        'field/not-a-coefficient',
        `expected matrix 0 or 1, one of ${shape.domain} rows and of ${shape.witnesses} wires, found ${matrix}, ${row}, ${signal} at index ${i}`,
        { detail: { index: i, matrix, row, signal } },
      )
    isSorted &&= last <= row
    last = row
    if (i % SLICE_NUMBERS === 0) yield
  }
  if (!isSorted) order.sort((a, b) => rowOf(a) - rowOf(b))
  if (lanes === 1) return [order]
  let cut = count >> 1
  while (cut > 0 && cut < count && rowOf(order[cut - 1] ?? 0) === rowOf(order[cut] ?? 0)) cut++
  return [order.subarray(0, cut), order.subarray(cut)]
}

function* enterEntries(
  parts: KernelParts,
  { view }: Entries,
  laneOrders: readonly Uint32Array[],
  { domain }: KeyShape,
  { length, values, places }: { readonly length: number; readonly values: number; readonly places: number },
): Sliced<void> {
  const { exports, heap, lanes } = parts
  const vectors = domain / lanes
  /** Behind both matrices: a row that nobody reads, for lanes that have nothing more to add. */
  const nowhere = 2 * ELEMENT_BYTES * domain
  yield* lending(parts, [NUMBER_BYTES * lanes * SLICE_ENTRIES], function* (numbers = 0) {
    for (let from = 0; from < length; from += SLICE_ENTRIES) {
      const to = Math.min(length, from + SLICE_ENTRIES)
      const memory = new DataView(heap.bytes.buffer)
      heap.bytes.fill(0, numbers, numbers + NUMBER_BYTES * lanes * SLICE_ENTRIES)
      for (const [lane, order] of laneOrders.entries())
        for (let i = from; i < to; i++) {
          const place = places + PLACE_BYTES * (lanes * i + lane)
          const index = order[i]
          if (index === undefined) {
            memory.setUint32(place, 0, true)
            memory.setUint32(place + 4, nowhere + 8 * lane, true)
            continue
          }
          const at = COUNT_BYTES + ENTRY_BYTES * index
          const row = view.getUint32(at + 4, true)
          const first = ELEMENT_BYTES * (domain * view.getUint32(at, true) + lanes * (row % vectors))
          memory.setUint32(place, view.getUint32(at + 8, true), true)
          memory.setUint32(place + 4, first + 8 * Math.floor(row / vectors), true)
          const target = numbers + NUMBER_BYTES * (SLICE_ENTRIES * lane + i - from)
          for (let byte = 0; byte < NUMBER_BYTES; byte += 4)
            memory.setUint32(target + byte, view.getUint32(at + 12 + byte, true), true)
        }
      checkNumbers(parts, 'R', numbers, lanes * SLICE_ENTRIES)
      const target = values + ELEMENT_BYTES * lanes * from
      exports.enterCoefficients(numbers, target, to - from, SLICE_ENTRIES)
      yield
    }
  })
}
