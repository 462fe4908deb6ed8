// Poseidon2 over BN254: sponges, permutations and compressions, as many at a time as there are lanes. Bytes in, bytes out;
// it checks nothing but the range of elements where asked. The arithmetic beneath is generated, one text per variant.
//
// Memory, from the bottom:
//   constants, states and scratch     what the compiler placed, up to its heap base; TAILS is among them
//   from buffer() on                  the loader's: it grows the memory, puts bytes there and reads results there
//
// Lanes without a message of their own still compute on whatever lies there: the buffer ends later than the last message.
// A chunk of 31 bytes is read as 32 with the last one masked, so that a byte more than the message must be readable.

import { LANES, clear, enter, leave, permute, reset } from './arithmetic.ts'
import { isBelowOrder } from './order.ts'

const ELEMENT: usize = 32
const CHUNK: usize = 31
/** Two chunks: what one permutation absorbs. */
const GROUP: usize = 62
const CHUNK_MASK: u64 = 0x00ff_ffff_ffff_ffff
const WHOLE_MASK: u64 = 0xffff_ffff_ffff_ffff
const TAIL: usize = 128
const TAILS: usize = memory.data(512, 16)

export function lanes(): usize {
  return LANES
}

export function buffer(): usize {
  return (__heap_base + 15) & ~15
}

export function begin(): void {
  reset()
}

/** Absorbs `groups` times 62 bytes of each lane. */
export function absorb(from: usize, stride: usize, groups: usize): void {
  for (let at = from, end = from + GROUP * groups; at < end; at += GROUP) {
    enter(0, at, stride, CHUNK_MASK)
    enter(1, at + CHUNK, stride, CHUNK_MASK)
    permute()
  }
}

/**
 * Absorbs the last `rest` bytes of each lane, fewer than 62, and all padding: the byte 1 that ends the last chunk, the
 * element 1 that ends the message, and zero up to a pair. Writes the hashes one after the other.
 */
export function finish(from: usize, stride: usize, rest: usize, to: usize): void {
  const isOneGroup = rest < CHUNK
  for (let lane: usize = 0; lane < LANES; lane++) {
    const tail = TAILS + TAIL * lane
    memory.fill(tail, 0, TAIL)
    memory.copy(tail, from + stride * lane, rest)
    store<u8>(tail + rest, 1)
    store<u8>(tail + (isOneGroup ? CHUNK : GROUP), 1)
  }
  absorb(TAILS, TAIL, isOneGroup ? 1 : 2)
  leave(0, to, ELEMENT)
}

/** Absorbs `pairs` times two elements, the same in all lanes. */
export function absorbElements(from: usize, pairs: usize): void {
  for (let at = from, end = from + 2 * ELEMENT * pairs; at < end; at += 2 * ELEMENT) {
    enter(0, at, 0, WHOLE_MASK)
    enter(1, at + ELEMENT, 0, WHOLE_MASK)
    permute()
  }
}

export function squeeze(to: usize): void {
  leave(0, to, ELEMENT)
}

/** Permutes `count` states of three elements each and writes the first `words` elements of each. */
export function permutations(from: usize, count: usize, to: usize, words: usize): void {
  for (let i: usize = 0; i < count; i += LANES)
    for (let word: usize = 0; word < 3; word++) {
      clear(word)
      enter(word, from + 3 * ELEMENT * i + ELEMENT * word, 3 * ELEMENT, WHOLE_MASK)
      if (word < 2) continue
      permute()
      for (let out: usize = 0; out < words; out++) leave(out, to + ELEMENT * (words * i + out), ELEMENT * words)
    }
}

/** The index of the first of `count` elements that is not below the field's order, or -1. */
export function firstOutOfRange(from: usize, count: i32): i32 {
  for (let i = 0; i < count; i++) {
    const at = from + ELEMENT * i
    if (!isBelowOrder(load<u64>(at), load<u64>(at, 8), load<u64>(at, 16), load<u64>(at, 24))) return i
  }
  return -1
}
