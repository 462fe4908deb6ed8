// Numbers of 256 bits in four 64-bit words: comparison, difference, inverse modulo an odd prime. They know no field's inner form.

/** Whether the number at `a` is below the one at `b`. */
export function isBelow(a: usize, b: usize): bool {
  for (let at: i32 = 24; at >= 0; at -= 8) {
    const x = load<u64>(a + at)
    const y = load<u64>(b + at)
    if (x != y) return x < y
  }
  return false
}

/** Modulo 2^256. */
export function subtractWords(a: usize, b: usize): void {
  let borrow: u64 = 0
  for (let at: usize = 0; at < 32; at += 8) {
    const x = load<u64>(a + at)
    const y = load<u64>(b + at)
    const difference = x - y
    store<u64>(a + at, difference - borrow)
    borrow = u64(x < y) | u64(difference < borrow)
  }
}

/** Modulo 2^256. */
export function addWords(a: usize, b: usize): void {
  let carry: u64 = 0
  for (let at: usize = 0; at < 32; at += 8) {
    const x = load<u64>(a + at)
    const sum = x + load<u64>(b + at)
    const whole = sum + carry
    store<u64>(a + at, whole)
    carry = u64(sum < x) | u64(whole < sum)
  }
}

export function isZeroWords(a: usize): bool {
  return (load<u64>(a) | load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0
}

function isOneWords(a: usize): bool {
  return load<u64>(a) == 1 && (load<u64>(a, 8) | load<u64>(a, 16) | load<u64>(a, 24)) == 0
}

function halve(a: usize): void {
  const w1 = load<u64>(a, 8)
  const w2 = load<u64>(a, 16)
  const w3 = load<u64>(a, 24)
  store<u64>(a, (load<u64>(a) >> 1) | (w1 << 63))
  store<u64>(a, (w1 >> 1) | (w2 << 63), 8)
  store<u64>(a, (w2 >> 1) | (w3 << 63), 16)
  store<u64>(a, w3 >> 1, 24)
}

const U: usize = memory.data(128, 16)
const V: usize = U + 32
const S: usize = U + 64
const T: usize = U + 96

/** Replaces a number below the prime by its inverse, zero by zero. Binary: `u = s * number` and `v = t * number` throughout. */
export function invertWords(number: usize, prime: usize): void {
  if (isZeroWords(number)) return
  memory.copy(U, number, 32)
  memory.copy(V, prime, 32)
  memory.fill(S, 0, 64)
  store<u64>(S, 1)
  while (!isOneWords(U) && !isOneWords(V)) {
    makeOdd(U, S, prime)
    makeOdd(V, T, prime)
    if (isBelow(U, V)) {
      subtractWords(V, U)
      subtractModulo(T, S, prime)
    } else {
      subtractWords(U, V)
      subtractModulo(S, T, prime)
    }
  }
  memory.copy(number, isOneWords(U) ? S : T, 32)
}

function makeOdd(value: usize, factor: usize, prime: usize): void {
  while ((load<u64>(value) & 1) == 0) {
    halve(value)
    if (load<u64>(factor) & 1) addWords(factor, prime)
    halve(factor)
  }
}

function subtractModulo(a: usize, b: usize, prime: usize): void {
  const isNegative = isBelow(a, b)
  subtractWords(a, b)
  if (isNegative) addWords(a, prime)
}
