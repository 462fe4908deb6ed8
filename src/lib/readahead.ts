// Overlaps a producer with its consumer by one item. No queue: never more than one item waits.

/**
 * Asks for the next item while the consumer works on one. Ends as `items` does; when the consumer stops first, `items` is told to end and not
 * waited for, because it may be in the middle of a wait that never ends: give it a signal of its own.
 */
export async function* readAhead<T>(items: AsyncIterable<T>): AsyncGenerator<T, void> {
  const iterator = items[Symbol.asyncIterator]()
  const ask = (): Promise<IteratorResult<T, unknown>> => {
    const next = iterator.next()
    // Met by the await below, unless the consumer stops first.
    next.catch(() => undefined)
    return next
  }
  let hasEnded = false
  try {
    for (let upcoming = ask(); ;) {
      const next = await upcoming.catch((error: unknown) => {
        hasEnded = true
        throw error
      })
      hasEnded = next.done === true
      if (next.done === true) return
      upcoming = ask()
      yield next.value
    }
  } finally {
    if (!hasEnded) iterator.return?.()?.catch(() => undefined)
  }
}
