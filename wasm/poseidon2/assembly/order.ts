// The order of the BN254 scalar field, in four words of 64 bits from the lowest. It computes nothing in the field.

const P0: u64 = 0x43e1f593f0000001
const P1: u64 = 0x2833e84879b97091
const P2: u64 = 0xb85045b68181585d
const P3: u64 = 0x30644e72e131a029

/** Whether the number in four words is below the order. */
export function isBelowOrder(w0: u64, w1: u64, w2: u64, w3: u64): bool {
  if (w3 != P3) return w3 < P3
  if (w2 != P2) return w2 < P2
  if (w1 != P1) return w1 < P1
  return w0 < P0
}
