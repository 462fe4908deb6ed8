// Workers as threads of Node. An idle one never keeps the process alive; one with an open call does.

import { availableParallelism } from 'node:os'
import process from 'node:process'
import { Worker, type WorkerOptions } from 'node:worker_threads'
import { connectWorker } from '../../workers/connectworker.ts'
import type { WorkerLine } from '../../workers/connectworker.ts'
import type { WorkerFunctions, WorkerHandle, WorkerSource } from '../../workers/workersource.ts'
import { threadEndpoint } from './threadendpoint.ts'

export interface ThreadWorkersOptions {
  /** The JavaScript module each thread runs: `file:` URL. It calls `exposeApi(api, threadEndpoint(parentPort))`. */
  readonly script: URL
  /** Default: as many as the machine runs at once. */
  readonly parallelism?: number
}

export class ThreadWorkers<Api extends WorkerFunctions<Api>> implements WorkerSource<Api> {
  readonly parallelism: number
  readonly #script: URL

  constructor(options: ThreadWorkersOptions) {
    this.parallelism = options.parallelism ?? availableParallelism()
    this.#script = options.script
  }

  spawn(): WorkerHandle<Api> {
    return connectWorker<Api>(threadLine(new Worker(this.#script, threadOptions())))
  }
}

/** A thread inherits the options of the process, and refuses to run a file where that was started with a script as text (`node --input-type=module -e …`). */
function threadOptions(): WorkerOptions {
  return process.execArgv.some((option) => option.startsWith('--input-type')) ? { execArgv: [] } : {}
}

function threadLine(worker: Worker): WorkerLine {
  let isAsked = false
  const gone = new Promise<{ why: string; cause?: unknown } | undefined>((resolve) => {
    let failure: { why: string; cause: unknown } | undefined
    // Node always follows an error with an exit, and only then is the thread gone.
    worker.on(
      'error',
      (cause) => (failure = { why: `it failed: ${cause instanceof Error ? cause.message : String(cause)}`, cause }),
    )
    worker.on('exit', (code) =>
      resolve(isAsked ? undefined : (failure ?? { why: `it exited by itself with code ${code}` })),
    )
    // A message that cannot be read is an answer lost: its call would wait for ever.
    worker.on('messageerror', (cause) => {
      failure = { why: `a message from it could not be read: ${cause.message}`, cause }
      void worker.terminate()
    })
  })
  return {
    endpoint: threadEndpoint(worker),
    gone,
    terminate: () => {
      isAsked = true
      void worker.terminate()
    },
    holdOpen: (isBusy) => (isBusy ? worker.ref() : worker.unref()),
  }
}
