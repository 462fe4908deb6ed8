// GF(2^8): tables, products, transforms and matrices over rows of bytes, in SIMD128. Bytes in, bytes out: it owns no
// memory, knows no code and checks nothing; the loader lays its memory out and says what to compute.
//
// Sources: data reference §5.4 to §5.6. A symbol is a byte. `stride` is the distance of two rows, `width` how much of each
// counts, both in bytes and multiples of 64. A table is the products of a constant: 16 by the low nibble, 16 by the high.
// Logs are u16; the log 255 in a skew table means "multiply by zero".
//
// The transforms call themselves for the halves rather than walk whole layers: the lower layers then run in the nearest
// cache. `size` rows, a power of two; `logs` and `tables` start at the transform's base in the skew table.

import { add } from './rows.ts'
import { highNibbles, lowNibbles, marked, product, sums } from './nibbles.ts'

const TABLE: usize = 32
const MODULUS: u32 = 255

/** Writes one table for each of `count` logs. `exp` holds powers by log, `basis` the logs of the elements 1, 2, 4... */
export function tables8(to: usize, logs: usize, count: u32, exp: usize, basis: usize): void {
  for (let i: u32 = 0; i < count; i++, to += TABLE) {
    const log = <u32>load<u16>(logs + 2 * <usize>i)
    for (let half: usize = 0; half < 2; half++) {
      const a = product(exp, basis, 4 * half, log, MODULUS)
      const b = product(exp, basis, 4 * half + 1, log, MODULUS)
      const c = product(exp, basis, 4 * half + 2, log, MODULUS)
      const d = product(exp, basis, 4 * half + 3, log, MODULUS)
      v128.store(to + 16 * half, sums(a, b, c, d))
    }
  }
}

/** `row *= constant`. */
export function scale8(row: usize, width: usize, table: usize): void {
  const low = v128.load(table)
  const high = v128.load(table, 16)
  for (const end = row + width; row < end; row += 32) {
    v128.store(row, mul8(v128.load(row), low, high))
    v128.store(row, mul8(v128.load(row, 16), low, high), 16)
  }
}

/** Inverse transform in place. Rows that are not marked are zero: blocks of them are left alone. */
export function ifft8(
  rows: usize,
  stride: usize,
  width: usize,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  inverse8(rows, stride, width, 0, size, logs, tables, marks)
}

/** Transform in place. Only marked rows come out right: blocks without any are left unfinished. */
export function fft8(
  rows: usize,
  stride: usize,
  width: usize,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  forward8(rows, stride, width, 0, size, logs, tables, marks)
}

/**
 * A matrix times the rows: `outputs` new rows at `to`, each the sum of `inputs` rows times a constant. `tables` holds the
 * constants output by output. Two outputs at a time share the nibbles; an odd last one is computed alone.
 */
export function combine8(
  to: usize,
  outputs: u32,
  rows: usize,
  inputs: u32,
  stride: usize,
  width: usize,
  tables: usize,
): void {
  const line = TABLE * <usize>inputs
  let output: u32 = 0
  for (; output + 1 < outputs; output += 2, to += 2 * stride, tables += 2 * line)
    pair8(to, rows, inputs, stride, width, tables, line)
  if (output < outputs) single8(to, rows, inputs, stride, width, tables)
}

/**
 * Both parity rows, at `to`, of `count` data rows: the encoder's transforms over groups of two rows, and the last one, in one
 * pass. `tables` holds the factor of each group's one butterfly; that of the last transform is zero.
 */
export function parityPair8(to: usize, rows: usize, count: u32, stride: usize, width: usize, tables: usize): void {
  for (let column: usize = 0; column < width; column += 32) {
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    let row = rows + column
    let table = tables
    let left = count
    for (; left > 1; left -= 2, row += 2 * stride, table += TABLE) {
      const low = v128.load(table)
      const high = v128.load(table, 16)
      const w = v128.load(row)
      const x = v128.load(row, 16)
      const y = v128.xor(w, v128.load(row + stride))
      const z = v128.xor(x, v128.load(row + stride, 16))
      a = v128.xor(a, v128.xor(w, mul8(y, low, high)))
      b = v128.xor(b, v128.xor(x, mul8(z, low, high)))
      c = v128.xor(c, y)
      d = v128.xor(d, z)
    }
    if (left == 1) {
      const low = v128.load(table)
      const high = v128.load(table, 16)
      const w = v128.load(row)
      const x = v128.load(row, 16)
      a = v128.xor(a, v128.xor(w, mul8(w, low, high)))
      b = v128.xor(b, v128.xor(x, mul8(x, low, high)))
      c = v128.xor(c, w)
      d = v128.xor(d, x)
    }
    v128.store(to + column, a)
    v128.store(to + column, b, 16)
    v128.store(to + stride + column, v128.xor(a, c))
    v128.store(to + stride + column, v128.xor(b, d), 16)
  }
}

function inverse8(
  rows: usize,
  stride: usize,
  width: usize,
  first: u32,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  if (size < 2 || marked(marks, first) == marked(marks, first + size)) return
  const half = size >> 1
  inverse8(rows, stride, width, first, half, logs, tables, marks)
  inverse8(rows, stride, width, first + half, half, logs, tables, marks)
  const skew = <usize>(first + half - 1)
  const isZero = load<u16>(logs + 2 * skew) == MODULUS
  let x = rows + <usize>first * stride
  const apart = <usize>half * stride
  for (let i: u32 = 0; i < half; i++, x += stride) {
    if (isZero) add(x + apart, x, width)
    else unfold8(x, x + apart, width, tables + TABLE * skew)
  }
}

function forward8(
  rows: usize,
  stride: usize,
  width: usize,
  first: u32,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  if (size < 2 || marked(marks, first) == marked(marks, first + size)) return
  const half = size >> 1
  const skew = <usize>(first + half - 1)
  const isZero = load<u16>(logs + 2 * skew) == MODULUS
  let x = rows + <usize>first * stride
  const apart = <usize>half * stride
  for (let i: u32 = 0; i < half; i++, x += stride) {
    if (isZero) add(x + apart, x, width)
    else fold8(x, x + apart, width, tables + TABLE * skew)
  }
  forward8(rows, stride, width, first, half, logs, tables, marks)
  forward8(rows, stride, width, first + half, half, logs, tables, marks)
}

/** Inverse butterfly: `y ^= x`, then `x ^= y * constant`. */
function unfold8(x: usize, y: usize, width: usize, table: usize): void {
  const low = v128.load(table)
  const high = v128.load(table, 16)
  for (const end = x + width; x < end; x += 32, y += 32) {
    const a = v128.load(x)
    const b = v128.load(x, 16)
    const c = v128.xor(v128.load(y), a)
    const d = v128.xor(v128.load(y, 16), b)
    v128.store(y, c)
    v128.store(y, d, 16)
    v128.store(x, v128.xor(a, mul8(c, low, high)))
    v128.store(x, v128.xor(b, mul8(d, low, high)), 16)
  }
}

/** Butterfly: `x ^= y * constant`, then `y ^= x`. */
function fold8(x: usize, y: usize, width: usize, table: usize): void {
  const low = v128.load(table)
  const high = v128.load(table, 16)
  for (const end = x + width; x < end; x += 32, y += 32) {
    const c = v128.load(y)
    const d = v128.load(y, 16)
    const a = v128.xor(v128.load(x), mul8(c, low, high))
    const b = v128.xor(v128.load(x, 16), mul8(d, low, high))
    v128.store(x, a)
    v128.store(x, b, 16)
    v128.store(y, v128.xor(c, a))
    v128.store(y, v128.xor(d, b), 16)
  }
}

function pair8(to: usize, rows: usize, inputs: u32, stride: usize, width: usize, tables: usize, line: usize): void {
  for (let column: usize = 0; column < width; column += 32) {
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    let row = rows + column
    let table = tables
    for (let i: u32 = 0; i < inputs; i++, row += stride, table += TABLE) {
      const x = v128.load(row)
      const y = v128.load(row, 16)
      const xl = lowNibbles(x)
      const xh = highNibbles(x)
      const yl = lowNibbles(y)
      const yh = highNibbles(y)
      const l0 = v128.load(table)
      const h0 = v128.load(table, 16)
      a = v128.xor(a, v128.xor(v128.swizzle(l0, xl), v128.swizzle(h0, xh)))
      b = v128.xor(b, v128.xor(v128.swizzle(l0, yl), v128.swizzle(h0, yh)))
      const l1 = v128.load(table + line)
      const h1 = v128.load(table + line, 16)
      c = v128.xor(c, v128.xor(v128.swizzle(l1, xl), v128.swizzle(h1, xh)))
      d = v128.xor(d, v128.xor(v128.swizzle(l1, yl), v128.swizzle(h1, yh)))
    }
    v128.store(to + column, a)
    v128.store(to + column, b, 16)
    v128.store(to + stride + column, c)
    v128.store(to + stride + column, d, 16)
  }
}

function single8(to: usize, rows: usize, inputs: u32, stride: usize, width: usize, tables: usize): void {
  for (let column: usize = 0; column < width; column += 64) {
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    let row = rows + column
    let table = tables
    for (let i: u32 = 0; i < inputs; i++, row += stride, table += TABLE) {
      const low = v128.load(table)
      const high = v128.load(table, 16)
      a = v128.xor(a, mul8(v128.load(row), low, high))
      b = v128.xor(b, mul8(v128.load(row, 16), low, high))
      c = v128.xor(c, mul8(v128.load(row, 32), low, high))
      d = v128.xor(d, mul8(v128.load(row, 48), low, high))
    }
    v128.store(to + column, a)
    v128.store(to + column, b, 16)
    v128.store(to + column, c, 32)
    v128.store(to + column, d, 48)
  }
}

function mul8(x: v128, low: v128, high: v128): v128 {
  return v128.xor(v128.swizzle(low, lowNibbles(x)), v128.swizzle(high, highNibbles(x)))
}
