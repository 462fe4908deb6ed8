// Scalars in signed digits. Recoding adds half of a digit's range to every digit but the top one, so that afterwards any digit is found
// without those below it: what stands there minus that half. The top one takes what is left, unsigned.
//
// A digit of `width` bits lies between -2^(width - 1) and 2^(width - 1). `windows` is how many there are: ceil(255 / width),
// which is enough for the top one to stay in that range too, because scalars are below 2^254.

import { addWords, subtractWords } from './words.ts'

const OFFSET: usize = memory.data(32, 16)

/** Recodes `count` scalars of 32 bytes in place from one width to another. 0: as they came. */
export function recode(scalars: usize, count: usize, from: u32, to: u32): void {
  memory.fill(OFFSET, 0, 32)
  placeHalves(to)
  for (let i: usize = 0; i < count && to != 0; i++) addWords(scalars + 32 * i, OFFSET)
  memory.fill(OFFSET, 0, 32)
  placeHalves(from)
  for (let i: usize = 0; i < count && from != 0; i++) subtractWords(scalars + 32 * i, OFFSET)
}

function placeHalves(width: u32): void {
  if (width == 0) return
  const windows = (width + 254) / width
  for (let window: u32 = 0; window + 1 < windows; window++) {
    const bit = width * window + width - 1
    const word = OFFSET + 8 * (bit >> 6)
    store<u64>(word, load<u64>(word) | ((<u64>1) << (bit & 63)))
  }
}

/** The digit of a recoded scalar. */
export function digitOf(scalar: usize, width: u32, window: u32, isTop: bool): i32 {
  const bit = width * window
  const at = bit & 63
  const word = scalar + 8 * (bit >> 6)
  let bits = load<u64>(word) >> at
  if (at + width > 64 && bit < 192) bits |= load<u64>(word, 8) << (64 - at)
  const digit = <i32>((<u32>bits) & ((1 << width) - 1))
  return isTop ? digit : digit - (1 << (width - 1))
}
