// The worker's end of the edge: lets the main thread call an object of async functions. Each worker entry calls this once.

import { expose, transfer as mark } from 'comlink'
import type { Endpoint } from 'comlink'
import { packError } from './envelope.ts'
import type { Envelope } from './envelope.ts'
import { transferListOf } from './transfer.ts'
import type { WorkerFunctions } from './workersource.ts'

/** What carries the messages: `self` in a Web Worker, the parent port in a Node thread, either end of a `MessageChannel`. */
export type WorkerEndpoint = Endpoint

/**
 * Answers calls that arrive at `endpoint` with `api`. What its functions throw travels as data, see {@link packError}.
 *
 * @param endpoint default: the Web Worker this runs in
 */
export function exposeApi<Api extends WorkerFunctions<Api>>(
  api: Api,
  endpoint: WorkerEndpoint = globalThis as unknown as WorkerEndpoint,
): void {
  const answers: Record<string, (...args: never[]) => Promise<Envelope<unknown>>> = Object.create(null)
  for (const name of Object.keys(api) as (keyof Api & string)[]) {
    answers[name] = (...args) => answer(async () => api[name](...args))
  }
  expose(answers, endpoint)
}

async function answer(work: () => Promise<unknown>): Promise<Envelope<unknown>> {
  try {
    const value = await work()
    return mark({ ok: true, value }, [...transferListOf(value)])
  } catch (error) {
    return { ok: false, error: packError(error) }
  }
}
