// Cancellation as every waiting call takes it, and the one way to stop waiting for something that cannot itself be cancelled.

/** Required on everything that waits on time, chain, network or workers, so that forgetting it is a compile error. */
export interface AbortOptions {
  readonly signal: AbortSignal
}

/**
 * Settles as `promise` does, or rejects with `signal.reason` once the signal aborts, whichever comes first; an aborted signal wins over a
 * settled promise. Only the waiting ends: what `promise` stands for goes on, and its later rejection counts as handled.
 * The listener is gone on every path.
 */
export function raceAbort<T>(promise: PromiseLike<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason as Error)
    const release = () => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
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
