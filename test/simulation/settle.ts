// Waits until nothing is left to do but what waits for time: one turn of the event loop runs every promise that is settled.

/** In Node. A turn in between lets tasks that were put into line by messages have theirs. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
