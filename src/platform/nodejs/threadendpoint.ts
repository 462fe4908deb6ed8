// A Node thread or message port in the shape of the web's, which is what the worker edge speaks. Nothing else.

import type { MessagePort, TransferListItem, Worker } from 'node:worker_threads'
import type { WorkerEndpoint } from '../../workers/exposeapi.ts'

type Listener = (event: { readonly data: unknown }) => void

/** `port` is the `Worker` on the main thread and `parentPort` inside the thread. */
export function threadEndpoint(port: Worker | MessagePort): WorkerEndpoint {
  const hearers = new Map<unknown, (data: unknown) => void>()
  return {
    postMessage: (message, transfer) => port.postMessage(message, transfer as TransferListItem[] | undefined),
    addEventListener: (_, listener) => {
      const hear = (data: unknown): void => {
        if (typeof listener === 'function') (listener as unknown as Listener)({ data })
        else listener.handleEvent({ data } as MessageEvent)
      }
      hearers.set(listener, hear)
      port.on('message', hear)
    },
    removeEventListener: (_, listener) => {
      const hear = hearers.get(listener)
      if (hear === undefined) return
      hearers.delete(listener)
      port.off('message', hear)
    },
  }
}
