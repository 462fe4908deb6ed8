// Maps a list through an async function with a bound on how many run at once. It keeps order and owns no queue of its own.

import { assert } from './errors.ts'

/**
 * Results in the order of `items`. At most `atOnce` calls of `work` are open at any time. After a failure no
 * further call begins, and it rejects once those already open have settled too: nothing runs on behind the caller's back. Of several failures that of
 * the first item in order counts, so that the same one is told whoever was faster.
 */
export async function mapBounded<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  assert(atOnce >= 1, `at least one call at once, found ${atOnce}`)
  const results: Result[] = []
  results.length = items.length
  let next = 0
  const failures: { readonly index: number; readonly error: unknown }[] = []
  const lane = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++
      try {
        results[index] = await work(items[index] as Item, index)
      } catch (error) {
        failures.push({ index, error })
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, lane))
  const [first] = failures.sort((a, b) => a.index - b.index)
  if (first !== undefined) throw first.error
  return results
}
