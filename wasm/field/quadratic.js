// The quadratic extension of a field by a root of -1: the same operations, on pairs of its elements. And the field itself in the
// same clothes. Both write lines through the lanes they are given and know nothing of how an element is made.

/** Elements are lists of one. */
export class PrimeField {
  static parts = 1

  static multiply(lanes, [a], [b]) {
    return [lanes.multiply(a, b)]
  }
}

/** Elements are `[a, b]`, for a + b u where u^2 = -1. Products are calls: all in one place they would be too long for a processor's caches. */
export class QuadraticField {
  static parts = 2

  static multiply(lanes, a, b) {
    const times = (slot, x, y) => {
      lanes.place(slot, x)
      lanes.place(slot + 1, y)
      return lanes.called(slot)
    }
    const [a0, a1] = a
    const [b0, b1] = b
    if (a === b) {
      const product = times(0, a0, a1)
      return [times(2, lanes.add(a0, a1), lanes.subtract(a0, a1)), lanes.add(product, product)]
    }
    const low = times(0, a0, b0)
    const high = times(2, a1, b1)
    const mixed = times(4, lanes.add(a0, a1), lanes.add(b0, b1))
    return [lanes.subtract(low, high), lanes.subtract(mixed, lanes.add(low, high))]
  }
}
