// Rows for the tests of the Leopard kernel: seeded noise, rows dropped by a seed, subsets. It checks nothing.

/** `count` blocks of `bytes` each that repeat with the seed. */
export function noise(count: number, bytes: number, seed: number): Uint8Array[] {
  const next = generator(seed)
  return Array.from({ length: count }, () => Uint8Array.from({ length: bytes }, () => next() >>> 24))
}

/** A number from 0 to `count` - 1 that repeats with the seed. */
export function pick(count: number, seed: number): number {
  return generator(seed)() % count
}

/** The same rows with up to `dropped` more of them missing than already are; exactly that many, if there are. */
export function dropRows(
  rows: readonly (Uint8Array | undefined)[],
  dropped: number,
  seed: number,
): (Uint8Array | undefined)[] {
  const next = generator(seed)
  const left = [...rows]
  const present = [...left.keys()].filter((row) => left[row] !== undefined)
  for (let i = 0; i < dropped && present.length > 0; i++) {
    const [row = 0] = present.splice(next() % present.length, 1)
    left[row] = undefined
  }
  return left
}

/** All sets of at most `size` of the numbers below `count`, the empty one included. */
export function subsets(count: number, size: number): number[][] {
  if (count === 0) return [[]]
  const without = subsets(count - 1, size)
  return [...without, ...without.filter((set) => set.length < size).map((set) => [...set, count - 1])]
}

/** xorshift32, whose state is never 0. */
function generator(seed: number): () => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state
  }
}
