// Deals a list out to workers: neighbours together, runs of nearly one length, so that no worker is left with the longest.

export interface Run {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/**
 * Cuts 0 to `count` - 1 into runs of at most `longest`: as few as make a multiple of `workers`, where there are items enough for that.
 */
export function evenRuns(count: number, longest: number, workers: number): Run[] {
  const rounds = Math.ceil(count / longest / workers)
  const runs = Math.min(count, rounds * workers)
  const place = (i: number): number => Math.floor((i * count) / runs)
  return Array.from({ length: runs }, (_, i) => ({ from: place(i), to: place(i + 1) }))
}
