// Puts neighbours in a slab file together, so that many small reads or writes become few large ones. It reorders nothing.

import type { Bytes } from '../lib/units.ts'

export interface RunLimits<Item> {
  readonly lengthOf: (item: Item) => Bytes
  /** A run ends before the item that would take it beyond this; a larger item is a run by itself. */
  readonly maxBytes: Bytes
  readonly maxItems: number
}

/** Splits `items` into runs, in order, in each of which every item begins where the one before it ends. */
export function adjacentRuns<Item extends { readonly offset: Bytes }>(
  items: readonly Item[],
  { lengthOf, maxBytes, maxItems }: RunLimits<Item>,
): Item[][] {
  const runs: Item[][] = []
  let run: Item[] = []
  let length = 0
  let end = -1
  for (const item of items) {
    const size = lengthOf(item)
    const fits = item.offset === end && length + size <= maxBytes && run.length < maxItems
    if (fits) {
      run.push(item)
      length += size
    } else {
      run = [item]
      runs.push(run)
      length = size
    }
    end = item.offset + size
  }
  return runs
}
