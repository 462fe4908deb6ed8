// The field kernel's doors: what the loader calls. Numbers and points come in and go out as bytes; in between they lie in the loader's
// arrays in a form of the variant's own. Nothing here checks ranges or sizes.
//
// Memory, from the bottom:
//   constants, tables of the compiler, vectors of scratch    up to the heap base
//   the batch of point additions: triples, differences, products    up to buffer(), about 200 KiB
//   from buffer() on                                         the loader's: see kernelmemory.ts
//
// No call takes longer than its range says: additions of points are the slowest, about a microsecond each in G2.

import {
  ENTER_FILE_Q,
  ENTER_FILE_R,
  ENTER_PLAIN_Q,
  ENTER_PLAIN_R,
  ENTER_TWICE_R,
  LANES,
  LEAVE_FILE_Q,
  LEAVE_FILE_R,
  LEAVE_PLAIN_Q,
  LEAVE_PLAIN_R,
  ORDER_Q,
  ORDER_R,
  accumulateRows,
  addAllQ,
  addAllR,
  cross,
  enterQ,
  enterR,
  leaveQ,
  leastR,
  leaveR,
  multiplyAllQ,
  multiplyAllR,
  scaleAllR,
  shift,
  subtractAllQ,
  subtractAllR,
} from './arithmetic.ts'
import { addStrided, clearPoints, double, foldRuns, joinWindows, sortWindow, sumEntries, sumRuns } from './buckets.ts'
import { recode } from './digits.ts'
import { addMultiples, tabulateBases, tabulateMore } from './fixedbase.ts'
import { invertAllQ, invertAllR } from './inverses.ts'
import { enterAll, enterFinite, firstOutOfRange, leavePoints } from './points.ts'
import { doubleRoots, fallPass, firstRoot, risePass, useRoots } from './transform.ts'
import { BATCH_END } from './pointbatch.ts'

// The compiler follows no re-export by its full name.
export {
  accumulateRows,
  addAllQ,
  addAllR,
  addMultiples,
  addStrided,
  clearPoints,
  cross,
  double,
  doubleRoots,
  enterAll,
  enterFinite,
  fallPass,
  firstRoot,
  foldRuns,
  invertAllQ,
  invertAllR,
  joinWindows,
  leavePoints,
  multiplyAllQ,
  multiplyAllR,
  recode,
  risePass,
  scaleAllR,
  shift,
  sortWindow,
  subtractAllQ,
  subtractAllR,
  sumEntries,
  sumRuns,
  tabulateBases,
  tabulateMore,
  useRoots,
}

const ELEMENT: usize = 40

export function lanes(): usize {
  return LANES
}

export function buffer(): usize {
  return (BATCH_END + 63) & ~63
}

/** See {@link firstOutOfRange}: of the scalar field, or of coordinates. */
export function firstBeyond(from: usize, count: usize, isScalar: bool): i32 {
  return firstOutOfRange(from, count, isScalar ? ORDER_R : ORDER_Q)
}

/** Vectors `first` to `last` of an array from numbers: number `i` of a vector's lane lies `apart` numbers behind that of the lane before. */
export function enterNumbers(
  isScalar: bool,
  from: usize,
  to: usize,
  vectors: usize,
  step: usize,
  apart: usize,
  isFile: bool,
): void {
  const plain = isScalar ? ENTER_PLAIN_R : ENTER_PLAIN_Q
  const file = isScalar ? ENTER_FILE_R : ENTER_FILE_Q
  for (let i: usize = 0; i < vectors; i++) {
    const at = from + 32 * step * i
    const vector = to + ELEMENT * LANES * i
    if (isScalar) enterR(vector, at, 32 * apart, isFile ? file : plain)
    else enterQ(vector, at, 32 * apart, isFile ? file : plain)
  }
}

/** The other way. */
export function leaveNumbers(
  isScalar: bool,
  from: usize,
  to: usize,
  vectors: usize,
  step: usize,
  apart: usize,
  isFile: bool,
): void {
  for (let i: usize = 0; i < vectors; i++) {
    const at = to + 32 * step * i
    const vector = from + ELEMENT * LANES * i
    if (isScalar) leaveR(vector, at, 32 * apart, isFile ? LEAVE_FILE_R : LEAVE_PLAIN_R)
    else leaveQ(vector, at, 32 * apart, isFile ? LEAVE_FILE_Q : LEAVE_PLAIN_Q)
  }
}

/** Vectors of a transform from numbers in reversed order, `first` to `last` of 2^logVectors. */
export function enterReversed(from: usize, to: usize, first: usize, last: usize, logVectors: u32): void {
  for (let i = first; i < last; i++) {
    const at = from + 32 * LANES * reversed(i, logVectors)
    enterR(to + ELEMENT * LANES * i, at, 32, ENTER_PLAIN_R)
  }
}

function reversed(index: usize, bits: u32): usize {
  let rest = index
  let result: usize = 0
  for (let i: u32 = 0; i < bits; i++) {
    result = (result << 1) | (rest & 1)
    rest >>= 1
  }
  return result
}

/** Coefficients as a key's file holds them, 44 bytes apart, into vectors for {@link accumulateRows}. */
export function enterCoefficients(from: usize, to: usize, vectors: usize, apart: usize): void {
  for (let i: usize = 0; i < vectors; i++) enterR(to + ELEMENT * LANES * i, from + 32 * i, 32 * apart, ENTER_TWICE_R)
}

const VECTOR: usize = memory.data(80, 16)

/** A number as a factor of elements, and as one that makes them plain numbers at the same time. */
export function placeFactor(number: usize, element: usize, plain: usize): void {
  enterR(VECTOR, number, 0, ENTER_PLAIN_R)
  copyFirst(element)
  // A product by one in Montgomery's way takes the form off.
  scaleAllR(VECTOR, VECTOR, LEAVE_PLAIN_R, 1)
  leastR(VECTOR, VECTOR)
  copyFirst(plain)
}

/** The first lane of a vector. */
function copyFirst(to: usize): void {
  for (let word: usize = 0; word < 5; word++) store<u64>(to + 8 * word, load<u64>(VECTOR + 8 * LANES * word))
}

/** Elements times a factor that {@link placeFactor} made plain, as numbers. */
export function leaveScaled(from: usize, to: usize, vectors: usize, apart: usize, factor: usize): void {
  for (let i: usize = 0; i < vectors; i++) leaveR(from + ELEMENT * LANES * i, to + 32 * i, 32 * apart, factor)
}

/** Numbers to elements, one after the other. Behind the last one an element more may be written over. */
export function enterElements(from: usize, to: usize, count: usize, isFile: bool): void {
  for (let i: usize = 0; i < count; i += LANES) {
    enterR(VECTOR, from + 32 * i, 32, isFile ? ENTER_FILE_R : ENTER_PLAIN_R)
    for (let word: usize = 0; word < 5; word++) {
      store<u64>(to + ELEMENT * i + 8 * word, load<u64>(VECTOR + 8 * LANES * word))
      if (LANES == 2) store<u64>(to + ELEMENT * i + 40 + 8 * word, load<u64>(VECTOR + 16 * word, 8))
    }
  }
}
