// Bodies that are streamed: how bytes of the store become a response, and how an answer looks when reading fails.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { RestContext } from './restparts.ts'

/** Aborts when whoever asked has gone. */
export function signalOf(context: RestContext): AbortSignal {
  const gone = new AbortController()
  const { outgoing } = context.env
  const leave = (): void => gone.abort(new CodexError('rest/gone', 'whoever asked has gone'))
  if (outgoing.destroyed) leave()
  else outgoing.once('close', leave)
  return gone.signal
}

/**
 * A body of these pieces. The first is read before this settles, so that what fails at once can still be answered; what fails later ends the connection.
 * @throws what reading the first piece throws
 */
export async function bodyOf(pieces: AsyncIterable<Uint8Array>, { signal }: AbortOptions): Promise<ReadableStream> {
  const iterator = pieces[Symbol.asyncIterator]()
  let next: Promise<IteratorResult<Uint8Array>> | undefined = Promise.resolve(await iterator.next())
  const end = async (): Promise<void> => {
    await iterator.return?.()
  }
  // A reader that never begins, as of HEAD, would hold the source for ever.
  signal.addEventListener('abort', () => void end().catch(() => undefined), { once: true })
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await (next ?? iterator.next())
      next = undefined
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: end,
  })
}
