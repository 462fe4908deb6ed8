// The end of an instant in Node: everything that needs no time to pass has been done. Tasks that code under test puts into the event loop's line
// by messages (lib/nexttask.ts) are counted meanwhile, because the order of real messages is the platform's and not the seed's.

import type { Settle } from './simworld.ts'

/** Runs `play` with a settle of its own. Not twice at once. */
export async function settling<T>(play: (settle: Settle) => Promise<T>): Promise<T> {
  const real = globalThis.MessageChannel
  const { stackTraceLimit } = Error
  let waiting = 0
  class CountedChannel {
    readonly port1: { onmessage?: () => void; close(): void } = { close: () => undefined }
    readonly port2 = {
      postMessage: () => {
        waiting++
        setImmediate(() => {
          waiting--
          this.port1.onmessage?.()
        })
      },
    }
  }
  const settle: Settle = async () => {
    do await new Promise<void>((resolve) => setImmediate(resolve))
    while (waiting > 0)
  }
  globalThis.MessageChannel = CountedChannel as unknown as typeof MessageChannel
  // Answers that are errors are many, and nobody reads where they were made: remembering it takes an eighth of the time.
  Error.stackTraceLimit = 0
  try {
    return await play(settle)
  } finally {
    Error.stackTraceLimit = stackTraceLimit
    globalThis.MessageChannel = real
  }
}
