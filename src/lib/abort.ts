// Cancellation as every waiting call takes it, and the one way to stop waiting for something that cannot itself be cancelled.

/** Required on everything that waits on time, chain, network or workers, so that forgetting it is a compile error. */
export interface AbortOptions {
  readonly signal: AbortSignal
}

/** Who waits at a signal: one listener for all of them, because hundreds wait at the node's own, and a platform takes more than ten for a leak. */
const waiting = new WeakMap<AbortSignal, { readonly tells: Set<() => void>; readonly listen: () => void }>()

/** @returns ends the waiting */
function whenAborted(signal: AbortSignal, tell: () => void): () => void {
  let here = waiting.get(signal)
  if (here === undefined) {
    const tells = new Set<() => void>()
    here = { tells, listen: () => tells.forEach((each) => each()) }
    waiting.set(signal, here)
    signal.addEventListener('abort', here.listen, { once: true })
  }
  const { tells, listen } = here
  tells.add(tell)
  return () => {
    if (!tells.delete(tell) || tells.size > 0) return
    signal.removeEventListener('abort', listen)
    waiting.delete(signal)
  }
}

/**
 * Settles as `promise` does, or rejects with `signal.reason` once the signal aborts, whichever comes first; an aborted signal wins over a
 * settled promise. Only the waiting ends: what `promise` stands for goes on, and its later rejection counts as handled.
 * The listener is gone on every path.
 */
export function raceAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    let release = (): void => undefined
    if (signal.aborted) abort()
    else release = whenAborted(signal, abort)
    promise.then(
      (value) => {
        release()
        resolve(value)
      },
      (error: unknown) => {
        release()
        reject(error)
      },
    )
  })
}
