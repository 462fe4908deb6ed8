// Points in and out: affine, x before y, each coordinate 32 bytes, in G2 the real part before the imaginary one. All zeros is infinity.

import { ENTER_FILE_Q, ENTER_PLAIN_Q, LANES, LEAVE_FILE_Q, LEAVE_PLAIN_Q, enterQ, leaveQ } from './arithmetic.ts'
import { isInfinite, pointBytes, setInfinite } from './pointbatch.ts'
import { isZeroWords } from './words.ts'

const ELEMENT: usize = 40
const VECTOR: usize = memory.data(80, 16)
/** Where lanes go that are not wanted. */
const NOWHERE: usize = memory.data(160, 16)

/**
 * Converts those points that are not at infinity, one after the other, and writes for each its index, counted from `first`.
 * @returns how many there were
 */
export function enterFinite(
  group: usize,
  from: usize,
  count: usize,
  to: usize,
  indices: usize,
  first: usize,
  isFile: bool,
): usize {
  const size = group << 6
  let written: usize = 0
  for (let i: usize = 0; i < count; i += LANES) {
    let to0 = NOWHERE
    let to1 = NOWHERE
    for (let lane: usize = 0; lane < LANES && i + lane < count; lane++) {
      if (isNothing(from + size * (i + lane), size)) continue
      const target = to + pointBytes(group) * written
      if (lane == 0) to0 = target
      else to1 = target
      store<u32>(indices + 4 * written, <u32>(first + i + lane))
      written++
    }
    enterLanes(group, from + size * i, to0, to1, isFile)
  }
  return written
}

/** Converts all points, those at infinity as such. */
export function enterAll(group: usize, from: usize, count: usize, to: usize, isFile: bool): void {
  const size = group << 6
  const point = pointBytes(group)
  for (let i: usize = 0; i < count; i += LANES) {
    const to1 = i + 1 < count ? to + point * (i + 1) : NOWHERE
    enterLanes(group, from + size * i, to + point * i, to1, isFile)
    for (let lane: usize = 0; lane < LANES && i + lane < count; lane++)
      if (isNothing(from + size * (i + lane), size)) setInfinite(to + point * (i + lane))
  }
}

function enterLanes(group: usize, from: usize, to0: usize, to1: usize, isFile: bool): void {
  for (let part: usize = 0; part < 2 * group; part++) {
    enterQ(VECTOR, from + 32 * part, 64 * group, isFile ? ENTER_FILE_Q : ENTER_PLAIN_Q)
    for (let word: usize = 0; word < 5; word++) {
      store<u64>(to0 + ELEMENT * part + 8 * word, load<u64>(VECTOR + 8 * LANES * word))
      if (LANES == 2) store<u64>(to1 + ELEMENT * part + 8 * word, load<u64>(VECTOR + 16 * word, 8))
    }
  }
}

function isNothing(bytes: usize, size: usize): bool {
  for (let at: usize = 0; at < size; at += 32) if (!isZeroWords(bytes + at)) return false
  return true
}

/** Writes points as bytes. Behind the last one a point more may be written over. */
export function leavePoints(group: usize, from: usize, count: usize, to: usize, isFile: bool): void {
  const size = group << 6
  for (let i: usize = 0; i < count; i += LANES) {
    for (let part: usize = 0; part < 2 * group; part++) {
      for (let lane: usize = 0; lane < LANES; lane++) {
        const other = i + lane < count ? i + lane : i
        const element = from + pointBytes(group) * other + ELEMENT * part
        const isNone = isInfinite(from + pointBytes(group) * other)
        for (let word: usize = 0; word < 5; word++)
          store<u64>(VECTOR + 8 * (LANES * word + lane), isNone ? 0 : load<u64>(element + 8 * word))
      }
      leaveQ(VECTOR, to + size * i + 32 * part, size, isFile ? LEAVE_FILE_Q : LEAVE_PLAIN_Q)
    }
  }
}

/** The index of the first of `count` numbers that is not below the one at `order`, or -1. */
export function firstOutOfRange(from: usize, count: usize, order: usize): i32 {
  const o3 = load<u64>(order, 24)
  const o2 = load<u64>(order, 16)
  const o1 = load<u64>(order, 8)
  const o0 = load<u64>(order)
  for (let i: usize = 0; i < count; i++) {
    const w3 = load<u64>(from + 32 * i, 24)
    if (w3 < o3) continue
    const w2 = load<u64>(from + 32 * i, 16)
    const w1 = load<u64>(from + 32 * i, 8)
    const w0 = load<u64>(from + 32 * i)
    const isLess = w2 != o2 ? w2 < o2 : w1 != o1 ? w1 < o1 : w0 < o0
    if (w3 > o3 || !isLess) return <i32>i
  }
  return -1
}
