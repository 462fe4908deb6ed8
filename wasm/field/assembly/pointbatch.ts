// Additions of points in batches that share one inversion: about six products each. It takes any points, infinity, equal and
// opposite ones included, and knows neither scalars nor buckets.
//
// A point at infinity has INFINITE in its first 8 bytes, which no coordinate has. `addTo` and `addPair` put additions off until the
// batch is full or `flush` is called: until then no result may be an operand, and no two additions may have the same one.

import {
  CHAINS,
  CHAIN_STEP,
  ENTER_PLAIN_Q,
  LANES,
  LEAVE_PLAIN_Q,
  ONE_Q,
  ORDER_Q,
  abscissas1,
  abscissas2,
  addQ,
  backward1,
  backward2,
  differences1,
  differences2,
  doubles1,
  doubles2,
  drops1,
  drops2,
  enterQ,
  forward1,
  forward2,
  heights1,
  heights2,
  isZeroQ,
  leastQ,
  leaveQ,
  multiplyQ,
  negate1,
  negate2,
  ordinates1,
  ordinates2,
  product1,
  product2,
  rises1,
  rises2,
  slopes1,
  slopes2,
  squareQ,
  squares1,
  squares2,
  subtractQ,
  tangents1,
  tangents2,
} from './arithmetic.ts'
import { invertWords } from './words.ts'

const INFINITE: u64 = 0x7ff0_0000_0000_0000
const ELEMENT: usize = 40
const TRIPLE: usize = 12
/** Additions that share an inversion; a multiple of LANES. With what they add they fit a cache of a MiB; an inversion costs as much as 50 of them. */
const BATCH: usize = 1024
/** In the lowest bits of a result's address: the operands are equal, or opposite. */
const EQUAL: u32 = 1
const OPPOSITE: u32 = 2

const TRIPLES: usize = (__heap_base + 63) & ~63
const DIFFERENCES: usize = TRIPLES + ((BATCH * TRIPLE + 63) & ~63)
const PRODUCTS: usize = DIFFERENCES + 2 * ELEMENT * BATCH
/** The first address that is not the batch's. */
export const BATCH_END: usize = PRODUCTS + 2 * ELEMENT * BATCH

/** Vectors of coordinates of the larger field. */
const SPARE: usize = memory.data(320, 16)
const SPARE2: usize = memory.data(320, 16)
const TOTAL: usize = memory.data(320, 16)
const NUMBERS: usize = memory.data(64, 16)
/** Operands for lanes that have none of their own: abscissas 0 and 1. */
const FILLERS: usize = memory.data(480, 16)

let pending: usize = 0
let amended: bool = false

export function pointBytes(group: usize): usize {
  return 2 * ELEMENT * group
}

export function isInfinite(point: usize): bool {
  return load<u64>(point & ~7) == INFINITE
}

export function setInfinite(point: usize): void {
  store<u64>(point, INFINITE)
}

/** Copies a point, or minus it where the address is odd. */
export function copyPoint(group: usize, to: usize, tagged: usize): void {
  const from = tagged & ~7
  if (from != to) memory.copy(to, from, pointBytes(group))
  if ((tagged & 1) == 0 || isInfinite(from)) return
  if (group == 1) negate1(from, to)
  else negate2(from, to)
}

/** `to += from`, where `from` may carry a sign. */
export function addTo(group: usize, to: usize, from: usize): void {
  if (isInfinite(from)) return
  if (isInfinite(to)) copyPoint(group, to, from)
  else addPair(group, to, from, to)
}

/** Of points that are not at infinity. */
export function addPair(group: usize, a: usize, b: usize, to: usize): void {
  const triple = TRIPLES + TRIPLE * pending
  store<u32>(triple, <u32>a)
  store<u32>(triple, <u32>b, 4)
  store<u32>(triple, <u32>to, 8)
  if (++pending == BATCH) flush(group)
}

export function flush(group: usize): void {
  if (pending == 0) return
  const last = TRIPLES + TRIPLE * pending
  if (pending % LANES != 0) fill()
  const vectors = pending / LANES
  pending = 0
  amended = false
  placeOnes(group)
  if (group == 1) addBatch1(vectors)
  else addBatch2(vectors)
  if (!amended) return
  for (let triple = TRIPLES; triple < last; triple += TRIPLE) {
    const to = load<u32>(triple, 8)
    if (to & OPPOSITE) setInfinite((<usize>to) & ~7)
  }
}

function addBatch1(vectors: usize): void {
  differences1(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  forward1(vectors, DIFFERENCES, PRODUCTS)
  invertChains(1)
  backward1(vectors, DIFFERENCES, PRODUCTS)
  rises1(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  slopes1(vectors, DIFFERENCES, PRODUCTS)
  if (amended) drawTangents(1, vectors)
  squares1(vectors, DIFFERENCES, PRODUCTS)
  abscissas1(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  drops1(vectors, DIFFERENCES, PRODUCTS)
  ordinates1(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
}

function addBatch2(vectors: usize): void {
  differences2(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  forward2(vectors, DIFFERENCES, PRODUCTS)
  invertChains(2)
  backward2(vectors, DIFFERENCES, PRODUCTS)
  rises2(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  slopes2(vectors, DIFFERENCES, PRODUCTS)
  if (amended) drawTangents(2, vectors)
  squares2(vectors, DIFFERENCES, PRODUCTS)
  abscissas2(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
  drops2(vectors, DIFFERENCES, PRODUCTS)
  ordinates2(TRIPLES, vectors, DIFFERENCES, PRODUCTS)
}

/** An addition of fillers, so that every lane has one. */
function fill(): void {
  copyElement(FILLERS + 160, ONE_Q)
  const triple = TRIPLES + TRIPLE * pending
  store<u32>(triple, <u32>FILLERS)
  store<u32>(triple, <u32>(FILLERS + 160), 4)
  store<u32>(triple, <u32>(FILLERS + 320), 8)
  pending++
}

function copyElement(to: usize, from: usize): void {
  memory.copy(to, from, ELEMENT)
}

/** The element at an address to one lane of a vector. */
function copyToLane(vector: usize, lane: usize, from: usize): void {
  for (let i: usize = 0; i < 5; i++) store<u64>(vector + 8 * (LANES * i + lane), load<u64>(from + 8 * i))
}

/** One lane of as many vectors as a coordinate has. */
function copyLane(group: usize, to: usize, from: usize, lane: usize): void {
  for (let i: usize = 0; i < 5 * group; i++) {
    const at = 8 * (LANES * i + lane)
    store<u64>(to + at, load<u64>(from + at))
  }
}

/** Ones to all lanes of both chains. */
function placeOnes(group: usize): void {
  memory.fill(CHAINS, 0, 2 * CHAIN_STEP)
  for (let lane: usize = 0; lane < LANES; lane++) {
    copyToLane(CHAINS, lane, ONE_Q)
    copyToLane(CHAINS + CHAIN_STEP, lane, ONE_Q)
  }
}

/** Replaces both products in all lanes by their inverses. */
function invertChains(group: usize): void {
  const other = CHAINS + CHAIN_STEP
  if (group == 1) {
    multiplyQ(TOTAL, CHAINS, other)
    invertVector(TOTAL)
    memory.copy(SPARE, CHAINS, CHAIN_STEP)
    product1(CHAINS, TOTAL, other)
    product1(other, TOTAL, SPARE)
  } else {
    product2(TOTAL, CHAINS, other)
    invertExtended(TOTAL)
    memory.copy(SPARE, CHAINS, CHAIN_STEP)
    product2(CHAINS, TOTAL, other)
    product2(other, TOTAL, SPARE)
  }
  // The loops rely on what a product by a difference leaves; this is within that too.
  tighten(group, CHAINS)
  tighten(group, other)
}

function tighten(group: usize, value: usize): void {
  for (let part: usize = 0; part < group; part++) {
    const at = value + ELEMENT * LANES * part
    leastQ(at, at)
  }
}

/** All lanes by one inversion. */
function invertVector(vector: usize): void {
  leaveQ(vector, NUMBERS, 32, LEAVE_PLAIN_Q)
  if (LANES == 1) {
    invertWords(NUMBERS, ORDER_Q)
    enterQ(vector, NUMBERS, 32, ENTER_PLAIN_Q)
    return
  }
  // The product of both lanes, in both; its inverse times the other lane.
  enterQ(SPARE, NUMBERS + 32, -32, ENTER_PLAIN_Q)
  multiplyQ(SPARE2, vector, SPARE)
  leaveQ(SPARE2, NUMBERS, 32, LEAVE_PLAIN_Q)
  invertWords(NUMBERS, ORDER_Q)
  enterQ(SPARE2, NUMBERS, 0, ENTER_PLAIN_Q)
  multiplyQ(vector, SPARE2, SPARE)
}

/** 1 / (a + b u) = (a - b u) / (a^2 + b^2). */
function invertExtended(value: usize): void {
  const part = ELEMENT * LANES
  const norm = SPARE + part * 2
  const square = SPARE2 + part * 2
  squareQ(norm, value)
  squareQ(square, value + part)
  addQ(norm, norm, square)
  invertVector(norm)
  multiplyQ(value, value, norm)
  multiplyQ(value + part, value + part, norm)
  memory.fill(square, 0, part)
  subtractQ(value + part, square, value + part)
}

export function amend1(triples: usize, differences: usize): void {
  amend(1, triples, differences)
}

export function amend2(triples: usize, differences: usize): void {
  amend(2, triples, differences)
}

/** Where operands have equal abscissas: marks the triple, and puts what a tangent divides by, or one, in the difference's place. */
function amend(group: usize, triples: usize, differences: usize): void {
  for (let lane: usize = 0; lane < LANES; lane++) {
    if (!isZero(group, differences, lane)) continue
    amended = true
    const triple = triples + TRIPLE * lane
    const to = load<u32>(triple, 8)
    if (group == 1) heights1(triples, SPARE)
    else heights2(triples, SPARE)
    if (isZero(group, SPARE, lane)) {
      if (group == 1) doubles1(triples, SPARE)
      else doubles2(triples, SPARE)
      if (!isZero(group, SPARE, lane)) {
        copyLane(group, differences, SPARE, lane)
        store<u32>(triple, to | EQUAL, 8)
        continue
      }
    }
    memory.fill(SPARE, 0, 320)
    copyToLane(SPARE, lane, ONE_Q)
    copyLane(group, differences, SPARE, lane)
    store<u32>(triple, to | OPPOSITE, 8)
  }
}

function isZero(group: usize, value: usize, lane: usize): bool {
  return isZeroQ(value, lane) && (group == 1 || isZeroQ(value + ELEMENT * LANES, lane))
}

/** The slopes of those additions that are doublings. */
function drawTangents(group: usize, vectors: usize): void {
  const size = ELEMENT * LANES * group
  for (let i: usize = 0; i < vectors; i++) {
    const triples = TRIPLES + TRIPLE * LANES * i
    let isAny = false
    for (let lane: usize = 0; lane < LANES; lane++) if (load<u32>(triples + TRIPLE * lane, 8) & EQUAL) isAny = true
    if (!isAny) continue
    if (group == 1) tangents1(triples, PRODUCTS + size * i, SPARE)
    else tangents2(triples, PRODUCTS + size * i, SPARE)
    for (let lane: usize = 0; lane < LANES; lane++)
      if (load<u32>(triples + TRIPLE * lane, 8) & EQUAL) copyLane(group, DIFFERENCES + size * i, SPARE, lane)
  }
}
