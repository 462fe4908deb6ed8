// Workers as Web Workers of a tab. Makes and ends them; what they do is in their scripts.

import { connectWorker } from '../../workers/connectworker.ts'
import type { WorkerLine } from '../../workers/connectworker.ts'
import type { WorkerFunctions, WorkerHandle, WorkerSource } from '../../workers/workersource.ts'

export interface WebWorkersOptions {
  /**
   * Starts one worker. A function, because bundlers only find the script when `new Worker(new URL(…, import.meta.url), …)` is written
   * out where it is used.
   */
  readonly create: () => Worker
  /** Default: as many as the machine runs at once. */
  readonly parallelism?: number
}

export class WebWorkers<Api extends WorkerFunctions<Api>> implements WorkerSource<Api> {
  readonly parallelism: number
  readonly #create: () => Worker

  constructor(options: WebWorkersOptions) {
    this.parallelism = options.parallelism ?? Math.max(1, navigator.hardwareConcurrency)
    this.#create = options.create
  }

  spawn(): WorkerHandle<Api> {
    return connectWorker<Api>(webLine(this.#create()))
  }
}

/** A Web Worker has no exit event. An uncaught error or a script that does not load is told by `error`; either way we end it. */
function webLine(worker: Worker): WorkerLine {
  let settle: (reason: { why: string; cause?: unknown } | undefined) => void
  const gone = new Promise<{ why: string; cause?: unknown } | undefined>((resolve) => (settle = resolve))
  const finish = (reason?: { why: string; cause?: unknown }): void => {
    worker.terminate()
    settle(reason)
  }
  worker.addEventListener('error', (event) => {
    event.preventDefault()
    const isLoadFailure = !(event instanceof ErrorEvent) || event.message === ''
    const why = isLoadFailure ? 'its script did not load' : `it failed: ${event.message}`
    finish({ why, cause: event instanceof ErrorEvent ? event.error : undefined })
  })
  // A message that cannot be read is an answer lost: its call would wait for ever.
  worker.addEventListener('messageerror', () => finish({ why: 'a message from it could not be read' }))
  return { endpoint: worker, gone, terminate: () => finish() }
}
