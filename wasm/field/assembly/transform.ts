// Number-theoretic transforms over the scalar field, pass by pass. It moves no bytes in or out.
//
// A transform of n elements lies in n / LANES vectors: element i is in vector i mod (n / LANES), lane i / (n / LANES). Let brv(k) be
// k with its bits reversed. The table has at k the root of unity of order 2 n to the power brv(k), of which a transform of n needs
// the first half, one of n / 2 the first quarter, and so on; its inverse is minus another entry.
//
// `fallPass` goes from wide distances to narrow ones: elements in order in, reversed out. `risePass` goes back: reversed in, in
// order out. A pass takes two levels, or one where only one is left; the level between lanes is a pass of its own.

import { LANES, ROOTS, fall2, fall4, multiplyR, place2, place4, placeRoots, rise2, rise4 } from './arithmetic.ts'

const ELEMENT: usize = 40
const VECTOR: usize = ELEMENT * LANES
const FACTOR: usize = memory.data(80, 16)
const POWERS: usize = memory.data(80, 16)

/** Writes the table of 2^logSize entries from `from` on, a power of two, to twice as many; the first time from 1. */
export function doubleRoots(table: usize, from: usize): void {
  // The entries from 2^j on are the first ones times the root of order 2^(j + 2).
  const root = ROOTS + ELEMENT * (ctz(from) + 2)
  spread(FACTOR, root, root)
  for (let i: usize = 0; i < from; i += LANES) {
    const at = table + ELEMENT * i
    spread(POWERS, at, at + ELEMENT)
    multiplyR(POWERS, POWERS, FACTOR)
    for (let lane: usize = 0; lane < LANES && i + lane < from; lane++)
      for (let word: usize = 0; word < 5; word++)
        store<u64>(at + ELEMENT * (from + lane) + 8 * word, load<u64>(POWERS + 8 * (LANES * word + lane)))
  }
}

export function firstRoot(table: usize): void {
  memory.copy(table, ROOTS, ELEMENT)
  placeRoots(table)
}

export function useRoots(table: usize): void {
  placeRoots(table)
}

function spread(to: usize, first: usize, second: usize): void {
  for (let word: usize = 0; word < 5; word++) {
    store<u64>(to + 8 * LANES * word, load<u64>(first + 8 * word))
    if (LANES == 2) store<u64>(to + 16 * word, load<u64>(second + 8 * word), 8)
  }
}

/**
 * Two levels, or one, over all blocks of `width` vectors. Counted in butterflies from `first` to `last`, of which a pass of two
 * levels has a quarter as many as there are vectors, one of one level half as many.
 */
export function fallPass(
  data: usize,
  width: usize,
  blocks: usize,
  isTwo: bool,
  inverse: bool,
  first: usize,
  last: usize,
): void {
  pass(data, width, blocks, isTwo, inverse, first, last, false)
}

export function risePass(
  data: usize,
  width: usize,
  blocks: usize,
  isTwo: bool,
  inverse: bool,
  first: usize,
  last: usize,
): void {
  pass(data, width, blocks, isTwo, inverse, first, last, true)
}

function pass(
  data: usize,
  width: usize,
  blocks: usize,
  isTwo: bool,
  inverse: bool,
  first: usize,
  last: usize,
  isRise: bool,
): void {
  const part = isTwo ? width >> 2 : width >> 1
  const step = VECTOR * part
  const apart = LANES == 1 ? 0 : blocks
  for (let done = first; done < last;) {
    const block = done / part
    const start = done % part
    const stop = last - done < part - start ? start + (last - done) : part
    const base = data + VECTOR * width * block
    if (isTwo) {
      place4(block, apart, inverse)
      if (isRise) rise4(base + VECTOR * start, base + VECTOR * stop, step)
      else fall4(base + VECTOR * start, base + VECTOR * stop, step)
    } else {
      place2(block, apart, inverse)
      if (isRise) rise2(base + VECTOR * start, base + VECTOR * stop, step)
      else fall2(base + VECTOR * start, base + VECTOR * stop, step)
    }
    done += stop - start
  }
}
