// Loads something at its first use and keeps it. A failure is not kept: the next use tries anew.

/** A function that answers with what the first successful call of `load` gave; calls at the same time share one. */
export function loadOnce<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loading: Promise<Value> | undefined
  return () => {
    const current = (loading ??= load())
    current.catch(() => {
      if (loading === current) loading = undefined
    })
    return current
  }
}
