// Asks the engine how it multiplies and adds: relaxed SIMD may round once or twice. Part of the relaxed SIMD kernel only.

/** 1 + e, -(1 + 2 e) and e^2 for e = 2^-52; in memory, lest a compiler computes with them. */
const PROBE: usize = memory.data<f64>([1.0000000000000002, -1.0000000000000004, 4.930380657631324e-32], 16)

/** Whether multiply-add rounds once: (1 + e)^2 - (1 + 2 e) is then e^2, and zero where the product is rounded first. */
export function isFused(): bool {
  const a = v128.load64_splat(PROBE)
  const rest = f64x2.relaxed_madd(a, a, v128.load64_splat(PROBE, 8))
  const square = load<f64>(PROBE, 16)
  return f64x2.extract_lane(rest, 0) == square && f64x2.extract_lane(rest, 1) == square
}
