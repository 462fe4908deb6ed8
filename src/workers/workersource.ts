// The seam to threads: where workers come from and how one is held. Which work goes to which worker is the pool's business.

/** What an `Api` must look like: async functions only, since every call crosses a thread. Arguments and results are cloned or moved. */
export type WorkerFunctions<Api> = { readonly [Name in keyof Api]: (...args: never[]) => Promise<unknown> }

export interface WorkerSource<Api> {
  /** How many workers are worth having at once on this machine: at least 1. */
  readonly parallelism: number
  /** A new worker at once; it loads behind the scenes and calls wait for it. One that cannot load ends, see {@link WorkerHandle}. */
  spawn(): WorkerHandle<Api>
}

/**
 * One worker. Calls reject with what the worker threw: a `CodexError` keeps code, detail, message and causes, anything else becomes
 * `worker/failed`. When the worker is gone, whoever ended it, every open call and every later one rejects with `worker/ended`.
 */
export interface WorkerHandle<Api> {
  readonly api: Api
  /** Settles when the worker is gone; never rejects. */
  readonly closed: Promise<void>
  /** Ends the worker at once, losing what it holds. A second call is a no-op. */
  end(): void
}
