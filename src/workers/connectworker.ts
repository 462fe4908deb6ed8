// The main thread's end of the edge: a typed handle on one worker. Calls settle even when the worker dies, which comlink alone never sees to.

import { wrap } from 'comlink'
import { CodexError } from '../lib/errors.ts'
import { unpackError } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import type { WorkerEndpoint } from './exposeapi.ts'
import type { WorkerFunctions, WorkerHandle } from './workersource.ts'

/** What a platform knows about one of its workers. */
export interface WorkerLine {
  readonly endpoint: WorkerEndpoint
  /** Settles when the worker is gone: with the reason when it went by itself, with nothing when `terminate` ended it. Never rejects. */
  readonly gone: Promise<{ readonly why: string; readonly cause?: unknown } | undefined>
  /** Ends the worker at once. Called at most once. */
  terminate(): void
  /** Told when the first call opens and when the last one settles, so that only a worker at work keeps a process alive. */
  holdOpen?(isBusy: boolean): void
}

/** The handle on the worker behind `line`, whose script must call `exposeApi` with an `Api`. */
export function connectWorker<Api extends WorkerFunctions<Api>>(line: WorkerLine): WorkerHandle<Api> {
  return new ConnectedWorker<Api>(line)
}

type Remote = Record<string, (...args: unknown[]) => Promise<Envelope<unknown>>>

class ConnectedWorker<Api> implements WorkerHandle<Api> {
  readonly api: Api
  readonly closed: Promise<void>
  readonly #line: WorkerLine
  readonly #remote: Remote
  readonly #open = new Set<(reason: CodexError) => void>()
  #ended: CodexError | undefined

  constructor(line: WorkerLine) {
    this.#line = line
    this.#remote = wrap<Remote>(line.endpoint) as unknown as Remote
    this.api = new Proxy(Object.create(null), { get: (_, name) => this.#caller(name) }) as Api
    this.closed = line.gone.then((reason) => {
      this.#refuse(endedError(reason?.why ?? 'it was ended by its owner', reason?.cause))
    })
    line.holdOpen?.(false)
  }

  end(): void {
    if (this.#ended !== undefined) return
    this.#refuse(endedError('it was ended by its owner'))
    this.#line.terminate()
  }

  /** Symbols and `then` are not functions of the api: a handle's api may pass through an `await` or a logger unharmed. */
  #caller(name: string | symbol): ((...args: unknown[]) => Promise<unknown>) | undefined {
    return typeof name === 'symbol' || name === 'then' ? undefined : (...args) => this.#call(name, args)
  }

  #call(name: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended)
      this.#open.add(reject)
      if (this.#open.size === 1) this.#line.holdOpen?.(true)
      const settle = (deliver: () => void): void => {
        if (!this.#open.delete(reject)) return
        if (this.#open.size === 0) this.#line.holdOpen?.(false)
        deliver()
      }
      this.#ask(name, args).then(
        (envelope) => settle(() => (envelope.ok ? resolve(envelope.value) : reject(unpackError(envelope.error)))),
        (error: unknown) => settle(() => reject(edgeError(name, error))),
      )
    })
  }

  async #ask(name: string, args: readonly unknown[]): Promise<Envelope<unknown>> {
    const remote = this.#remote[name]
    if (remote === undefined) throw new TypeError(`no function ${name}`)
    return remote(...args)
  }

  #refuse(reason: CodexError): void {
    this.#ended ??= reason
    if (this.#open.size > 0) this.#line.holdOpen?.(false)
    const open = [...this.#open]
    this.#open.clear()
    for (const reject of open) reject(this.#ended)
  }
}

function endedError(why: string, cause?: unknown): CodexError {
  return new CodexError('worker/ended', `the worker is gone: ${why}; start another one`, { detail: { why }, cause })
}

/** What failed was neither the work nor the worker but the message: an argument or result that cannot be cloned, an unknown name. */
function edgeError(name: string, cause: unknown): CodexError {
  const found = cause instanceof Error ? cause.message : String(cause)
  return new CodexError('worker/failed', `the call ${name} could not cross to the worker and back: ${found}`, {
    detail: { name, message: found },
    cause,
  })
}
