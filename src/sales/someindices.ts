// Drawing some of many indices in random order, without writing them all down.

import type { RandomSource } from '../lib/random.ts'

/** At most `limit` of the numbers below `count`, each once, in random order, every choice as likely as any other. */
export function someIndices(count: number, limit: number, random: Pick<RandomSource, 'fraction'>): number[] {
  // Fisher and Yates, on a list that holds i at i wherever nothing else is noted.
  const moved = new Map<number, number>()
  return Array.from({ length: Math.min(count, limit) }, (_, at) => {
    const from = at + Math.floor(random.fraction() * (count - at))
    const drawn = moved.get(from) ?? from
    moved.set(from, moved.get(at) ?? at)
    return drawn
  })
}
