// Inverses of whole arrays of vectors by one inversion: products of all before, and back. Zero stays zero.

import {
  ENTER_PLAIN_Q,
  ENTER_PLAIN_R,
  LANES,
  LEAVE_PLAIN_Q,
  LEAVE_PLAIN_R,
  ONE_Q,
  ONE_R,
  ORDER_Q,
  ORDER_R,
  enterQ,
  enterR,
  isZeroQ,
  isZeroR,
  leastQ,
  leastR,
  leaveQ,
  leaveR,
  multiplyQ,
  multiplyR,
} from './arithmetic.ts'
import { invertWords } from './words.ts'

const VECTOR: usize = 40 * LANES
const CHAIN: usize = memory.data(80, 16)
const VALUE: usize = memory.data(80, 16)
const NUMBERS: usize = memory.data(64, 16)

export function invertAllR(values: usize, vectors: usize, products: usize): void {
  placeOnes(ONE_R)
  for (let i: usize = 0; i < vectors; i++) {
    memory.copy(products + VECTOR * i, CHAIN, VECTOR)
    leastR(VALUE, values + VECTOR * i)
    for (let lane: usize = 0; lane < LANES; lane++) if (isZeroR(VALUE, lane)) placeLane(VALUE, lane, ONE_R)
    multiplyR(CHAIN, CHAIN, VALUE)
  }
  leaveR(CHAIN, NUMBERS, 32, LEAVE_PLAIN_R)
  for (let lane: usize = 0; lane < LANES; lane++) invertWords(NUMBERS + 32 * lane, ORDER_R)
  enterR(CHAIN, NUMBERS, 32, ENTER_PLAIN_R)
  for (let i = vectors; i-- > 0;) {
    const at = values + VECTOR * i
    leastR(VALUE, at)
    multiplyR(at, CHAIN, products + VECTOR * i)
    for (let lane: usize = 0; lane < LANES; lane++)
      if (isZeroR(VALUE, lane)) {
        placeZero(at, lane)
        placeLane(VALUE, lane, ONE_R)
      }
    multiplyR(CHAIN, CHAIN, VALUE)
  }
}

export function invertAllQ(values: usize, vectors: usize, products: usize): void {
  placeOnes(ONE_Q)
  for (let i: usize = 0; i < vectors; i++) {
    memory.copy(products + VECTOR * i, CHAIN, VECTOR)
    leastQ(VALUE, values + VECTOR * i)
    for (let lane: usize = 0; lane < LANES; lane++) if (isZeroQ(VALUE, lane)) placeLane(VALUE, lane, ONE_Q)
    multiplyQ(CHAIN, CHAIN, VALUE)
  }
  leaveQ(CHAIN, NUMBERS, 32, LEAVE_PLAIN_Q)
  for (let lane: usize = 0; lane < LANES; lane++) invertWords(NUMBERS + 32 * lane, ORDER_Q)
  enterQ(CHAIN, NUMBERS, 32, ENTER_PLAIN_Q)
  for (let i = vectors; i-- > 0;) {
    const at = values + VECTOR * i
    leastQ(VALUE, at)
    multiplyQ(at, CHAIN, products + VECTOR * i)
    for (let lane: usize = 0; lane < LANES; lane++)
      if (isZeroQ(VALUE, lane)) {
        placeZero(at, lane)
        placeLane(VALUE, lane, ONE_Q)
      }
    multiplyQ(CHAIN, CHAIN, VALUE)
  }
}

function placeOnes(one: usize): void {
  for (let lane: usize = 0; lane < LANES; lane++) placeLane(CHAIN, lane, one)
}

function placeLane(vector: usize, lane: usize, element: usize): void {
  for (let i: usize = 0; i < 5; i++) store<u64>(vector + 8 * (LANES * i + lane), load<u64>(element + 8 * i))
}

function placeZero(vector: usize, lane: usize): void {
  for (let i: usize = 0; i < 5; i++) store<u64>(vector + 8 * (LANES * i + lane), 0)
}
