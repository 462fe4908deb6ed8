// What both fields share to multiply by table look-up: the making of tables, the taking apart of bytes, and the marks of
// rows that matter. Compiled into the kernel, exported by none.

/** The sums of the subsets of four bytes, lane by lane: a product of a nibble is the sum of the products of its bits. */
export function sums(a: u32, b: u32, c: u32, d: u32): v128 {
  return v128.xor(
    v128.xor(v128.and(i8x16.splat(<i8>a), lanesWithBit0()), v128.and(i8x16.splat(<i8>b), lanesWithBit1())),
    v128.xor(v128.and(i8x16.splat(<i8>c), lanesWithBit2()), v128.and(i8x16.splat(<i8>d), lanesWithBit3())),
  )
}

/** The product of the basis element `bit` and the element of logarithm `log`. */
export function product(exp: usize, basis: usize, bit: usize, log: u32, modulus: u32): u32 {
  const sum = <u32>load<u16>(basis + 2 * bit) + log
  return <u32>load<u16>(exp + 2 * <usize>(sum >= modulus ? sum - modulus : sum))
}

export function lowNibbles(x: v128): v128 {
  return v128.and(x, i8x16.splat(15))
}

/** A shift of 64-bit lanes, because engines have no instruction that shifts bytes; the mask drops the neighbours' bits. */
export function highNibbles(x: v128): v128 {
  return v128.and(v128.shr<u64>(x, 4), i8x16.splat(15))
}

/** How many of the first `row` rows are marked: `marks` holds running totals (u32), one more than there are rows. */
export function marked(marks: usize, row: u32): u32 {
  return load<u32>(marks + 4 * <usize>row)
}

/** Lanes whose number has the bit set. */
function lanesWithBit0(): v128 {
  return i8x16(0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1)
}

function lanesWithBit1(): v128 {
  return i8x16(0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1, 0, 0, -1, -1)
}

function lanesWithBit2(): v128 {
  return i8x16(0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1)
}

function lanesWithBit3(): v128 {
  return i8x16(0, 0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1, -1)
}
