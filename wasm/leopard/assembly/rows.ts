// Sums over rows of bytes, the same in both fields. `stride` is the distance of two rows, `width` how much of each counts,
// both in bytes and multiples of 64.

/** `to ^= from`, `bytes` long: a multiple of 64. */
export function add(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 64, from += 64) {
    v128.store(to, v128.xor(v128.load(to), v128.load(from)))
    v128.store(to, v128.xor(v128.load(to, 16), v128.load(from, 16)), 16)
    v128.store(to, v128.xor(v128.load(to, 32), v128.load(from, 32)), 32)
    v128.store(to, v128.xor(v128.load(to, 48), v128.load(from, 48)), 48)
  }
}

/** `to = sum of rows`. */
export function sum(to: usize, rows: usize, stride: usize, width: usize, count: u32): void {
  for (let column: usize = 0; column < width; column += 64) {
    let a = i64x2.splat(0)
    let b = i64x2.splat(0)
    let c = i64x2.splat(0)
    let d = i64x2.splat(0)
    let row = rows + column
    for (let i: u32 = 0; i < count; i++, row += stride) {
      a = v128.xor(a, v128.load(row))
      b = v128.xor(b, v128.load(row, 16))
      c = v128.xor(c, v128.load(row, 32))
      d = v128.xor(d, v128.load(row, 48))
    }
    v128.store(to + column, a)
    v128.store(to + column, b, 16)
    v128.store(to + column, c, 32)
    v128.store(to + column, d, 48)
  }
}

/** The formal derivative in the transformed basis, in place: rows are its coefficients. */
export function derive(rows: usize, stride: usize, width: usize, size: u32): void {
  if (size < 2) return
  const half = size >> 1
  const upper = rows + <usize>half * stride
  derive(rows, stride, width, half)
  for (let i: usize = 0; i < <usize>half; i++) add(rows + i * stride, upper + i * stride, width)
  derive(upper, stride, width, half)
}
