// GF(2^16): the same as gf8.ts over 16-bit symbols. In every 64 bytes of a row the first 32 are the low bytes of 32 symbols
// and the others their high bytes. A table is, for each of the factor's four nibbles, 16 low and then 16 high bytes of
// its products. The log 65535 in a skew table means "multiply by zero".

import { add } from './rows.ts'
import { highNibbles, lowNibbles, marked, product, sums } from './nibbles.ts'

const TABLE: usize = 128
const MODULUS: u32 = 65535

/** Writes one table for each of `count` logs. `exp` holds powers by log, `basis` the logs of the elements 1, 2, 4... */
export function tables16(to: usize, logs: usize, count: u32, exp: usize, basis: usize): void {
  for (let i: u32 = 0; i < count; i++, to += TABLE) {
    const log = <u32>load<u16>(logs + 2 * <usize>i)
    for (let nibble: usize = 0; nibble < 4; nibble++) {
      const a = product(exp, basis, 4 * nibble, log, MODULUS)
      const b = product(exp, basis, 4 * nibble + 1, log, MODULUS)
      const c = product(exp, basis, 4 * nibble + 2, log, MODULUS)
      const d = product(exp, basis, 4 * nibble + 3, log, MODULUS)
      v128.store(to + 32 * nibble, sums(a, b, c, d))
      v128.store(to + 32 * nibble + 16, sums(a >> 8, b >> 8, c >> 8, d >> 8))
    }
  }
}

/** `row *= constant`. */
export function scale16(row: usize, width: usize, table: usize): void {
  const l0 = v128.load(table)
  const h0 = v128.load(table, 16)
  const l1 = v128.load(table, 32)
  const h1 = v128.load(table, 48)
  const l2 = v128.load(table, 64)
  const h2 = v128.load(table, 80)
  const l3 = v128.load(table, 96)
  const h3 = v128.load(table, 112)
  for (const end = row + width; row < end; row += 64) {
    for (let lane: usize = row; lane < row + 32; lane += 16) {
      const x = v128.load(lane)
      const y = v128.load(lane, 32)
      const n0 = lowNibbles(x)
      const n1 = highNibbles(x)
      const n2 = lowNibbles(y)
      const n3 = highNibbles(y)
      v128.store(lane, half16(n0, n1, n2, n3, l0, l1, l2, l3))
      v128.store(lane, half16(n0, n1, n2, n3, h0, h1, h2, h3), 32)
    }
  }
}

/** Inverse transform in place. Rows that are not marked are zero: blocks of them are left alone. */
export function ifft16(
  rows: usize,
  stride: usize,
  width: usize,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  inverse16(rows, stride, width, 0, size, logs, tables, marks)
}

/** Transform in place. Only marked rows come out right: blocks without any are left unfinished. */
export function fft16(
  rows: usize,
  stride: usize,
  width: usize,
  size: u32,
  logs: usize,
  tables: usize,
  marks: usize,
): void {
  forward16(rows, stride, width, 0, size, logs, tables, marks)
}

/** A matrix times the rows: `outputs` new rows at `to`, each the sum of `inputs` rows times a constant, output by output. */
export function combine16(
  to: usize,
  outputs: u32,
  rows: usize,
  inputs: u32,
  stride: usize,
  width: usize,
  tables: usize,
): void {
  const line = TABLE * <usize>inputs
  for (let output: u32 = 0; output < outputs; output++, to += stride, tables += line) {
    for (let column: usize = 0; column < width; column += 64) {
      single16(to + column, rows + column, inputs, stride, tables)
      single16(to + column + 16, rows + column + 16, inputs, stride, tables)
    }
  }
}

function inverse16(
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
  inverse16(rows, stride, width, first, half, logs, tables, marks)
  inverse16(rows, stride, width, first + half, half, logs, tables, marks)
  const skew = <usize>(first + half - 1)
  const isZero = load<u16>(logs + 2 * skew) == MODULUS
  let x = rows + <usize>first * stride
  const apart = <usize>half * stride
  for (let i: u32 = 0; i < half; i++, x += stride) {
    if (isZero) add(x + apart, x, width)
    else unfold16(x, x + apart, width, tables + TABLE * skew)
  }
}

function forward16(
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
    else fold16(x, x + apart, width, tables + TABLE * skew)
  }
  forward16(rows, stride, width, first, half, logs, tables, marks)
  forward16(rows, stride, width, first + half, half, logs, tables, marks)
}

/** Inverse butterfly: `y ^= x`, then `x ^= y * constant`. */
function unfold16(x: usize, y: usize, width: usize, table: usize): void {
  const l0 = v128.load(table)
  const h0 = v128.load(table, 16)
  const l1 = v128.load(table, 32)
  const h1 = v128.load(table, 48)
  const l2 = v128.load(table, 64)
  const h2 = v128.load(table, 80)
  const l3 = v128.load(table, 96)
  const h3 = v128.load(table, 112)
  for (const end = x + width; x < end; x += 64, y += 64) {
    for (let lane: usize = 0; lane < 32; lane += 16) {
      const a = v128.load(x + lane)
      const b = v128.load(x + lane, 32)
      const c = v128.xor(v128.load(y + lane), a)
      const d = v128.xor(v128.load(y + lane, 32), b)
      v128.store(y + lane, c)
      v128.store(y + lane, d, 32)
      const n0 = lowNibbles(c)
      const n1 = highNibbles(c)
      const n2 = lowNibbles(d)
      const n3 = highNibbles(d)
      v128.store(x + lane, v128.xor(a, half16(n0, n1, n2, n3, l0, l1, l2, l3)))
      v128.store(x + lane, v128.xor(b, half16(n0, n1, n2, n3, h0, h1, h2, h3)), 32)
    }
  }
}

/** Butterfly: `x ^= y * constant`, then `y ^= x`. */
function fold16(x: usize, y: usize, width: usize, table: usize): void {
  const l0 = v128.load(table)
  const h0 = v128.load(table, 16)
  const l1 = v128.load(table, 32)
  const h1 = v128.load(table, 48)
  const l2 = v128.load(table, 64)
  const h2 = v128.load(table, 80)
  const l3 = v128.load(table, 96)
  const h3 = v128.load(table, 112)
  for (const end = x + width; x < end; x += 64, y += 64) {
    for (let lane: usize = 0; lane < 32; lane += 16) {
      const c = v128.load(y + lane)
      const d = v128.load(y + lane, 32)
      const n0 = lowNibbles(c)
      const n1 = highNibbles(c)
      const n2 = lowNibbles(d)
      const n3 = highNibbles(d)
      const a = v128.xor(v128.load(x + lane), half16(n0, n1, n2, n3, l0, l1, l2, l3))
      const b = v128.xor(v128.load(x + lane, 32), half16(n0, n1, n2, n3, h0, h1, h2, h3))
      v128.store(x + lane, a)
      v128.store(x + lane, b, 32)
      v128.store(y + lane, v128.xor(c, a))
      v128.store(y + lane, v128.xor(d, b), 32)
    }
  }
}

/** 16 symbols of one output. */
function single16(to: usize, row: usize, inputs: u32, stride: usize, tables: usize): void {
  let a = i64x2.splat(0)
  let b = i64x2.splat(0)
  for (let i: u32 = 0; i < inputs; i++, row += stride, tables += TABLE) {
    const x = v128.load(row)
    const y = v128.load(row, 32)
    const n0 = lowNibbles(x)
    const n1 = highNibbles(x)
    const n2 = lowNibbles(y)
    const n3 = highNibbles(y)
    a = v128.xor(
      a,
      half16(n0, n1, n2, n3, v128.load(tables), v128.load(tables, 32), v128.load(tables, 64), v128.load(tables, 96)),
    )
    b = v128.xor(
      b,
      half16(
        n0,
        n1,
        n2,
        n3,
        v128.load(tables, 16),
        v128.load(tables, 48),
        v128.load(tables, 80),
        v128.load(tables, 112),
      ),
    )
  }
  v128.store(to, a)
  v128.store(to, b, 32)
}

/** One half (low or high bytes) of a product in GF(2^16), from the four nibbles of the factor. */
function half16(n0: v128, n1: v128, n2: v128, n3: v128, t0: v128, t1: v128, t2: v128, t3: v128): v128 {
  return v128.xor(
    v128.xor(v128.swizzle(t0, n0), v128.swizzle(t1, n1)),
    v128.xor(v128.swizzle(t2, n2), v128.swizzle(t3, n3)),
  )
}
