// The quadratic extension of a field by a root of -1: the same operations, on pairs of its elements. And the field itself in the
// same clothes. Both write lines through the lanes they are given and know nothing of how an element is made.

/** Elements are lists of one. */
export class PrimeField {
  static parts = 1

  static multiply(lanes, [a], [b]) {
    return [lanes.multiply(a, b)]
  }
}

/** Elements are `[a, b]`, for a + b u where u^2 = -1. */
export class QuadraticField {
  static parts = 2

  static multiply(lanes, a, b) {
    if (a === b) return square(lanes, a)
    const [a0, a1] = a
    const [b0, b1] = b
    const low = lanes.multiply(a0, b0)
    const high = lanes.multiply(a1, b1)
    const mixed = lanes.multiply(lanes.add(a0, a1), lanes.add(b0, b1))
    return [lanes.subtract(low, high), lanes.subtract(mixed, lanes.add(low, high))]
  }
}

function square(lanes, [a0, a1]) {
  const product = lanes.multiply(a0, a1)
  return [lanes.multiply(lanes.add(a0, a1), lanes.subtract(a0, a1)), lanes.add(product, product)]
}
