// How late timers of a page come, which is how long something else kept its thread.

/** Between two looks at the clock. */
const TICK_MS = 5

/** How much later than asked for timers of this thread come. */
export function watchDelays(): { percentile(share: number): number } {
  const found: number[] = []
  let expected = performance.now() + TICK_MS
  const timer = setInterval(() => {
    found.push(Math.max(0, performance.now() - expected))
    expected = performance.now() + TICK_MS
  }, TICK_MS)
  return {
    percentile(share) {
      clearInterval(timer)
      return found.sort((a, b) => a - b)[Math.floor(share * (found.length - 1))] ?? Number.NaN
    },
  }
}
