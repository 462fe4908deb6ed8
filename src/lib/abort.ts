// Cancellation as every waiting call takes it.

/** Required on everything that waits on time, chain, network or workers, so that forgetting it is a compile error. */
export interface AbortOptions {
  readonly signal: AbortSignal
}
