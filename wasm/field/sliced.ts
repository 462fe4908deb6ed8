// Long computations in slices: between two of them a worker hears of an abort. It knows no clock; slices are cut by the amount of work.

/**
 * Each `next()` computes one slice, of about ten milliseconds at most where it was written, twice that without relaxed SIMD. Whoever leaves early calls
 * `return()`, as a `for ... of` loop does by itself: memory that only this computation needs is free again then.
 */
export type Sliced<Result> = Generator<undefined, Result, void>

/** All slices at once. */
export function finish<Result>(sliced: Sliced<Result>): Result {
  for (;;) {
    const { done, value } = sliced.next()
    if (done === true) return value
  }
}
