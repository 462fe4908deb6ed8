// A pair of links over memory: what one side sends the other receives, in order, a few messages at a time. What lies between may meddle.

import type { AbortOptions } from '../../src/lib/abort.ts'
import { raceAbort } from '../../src/lib/abort.ts'
import { BoundedQueue } from '../../src/lib/boundedqueue.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { CodexError } from '../../src/lib/errors.ts'
import type { Link, ReceiveOptions } from '../../src/exchange/link.ts'

/** What becomes of a message on the way: as it is, another, several, or none. May keep it waiting. */
export type Meddle = (message: Uint8Array, end: () => void) => readonly Uint8Array[] | Promise<readonly Uint8Array[]>

export interface MemoryLinksOptions {
  /** Of what A sends to B. */
  readonly aToB?: Meddle
  readonly bToA?: Meddle
  /** Messages on the way before the sender has to wait. */
  readonly capacity?: number
}

/** @returns the link that A holds, to B, and the one that B holds */
export function memoryLinks(a: string, b: string, options: MemoryLinksOptions = {}): [Link, Link] {
  const { aToB, bToA, capacity = 4 } = options
  const gone = new AbortController()
  const toA = new BoundedQueue<Uint8Array>(capacity)
  const toB = new BoundedQueue<Uint8Array>(capacity)
  return [new MemoryLink(b, toA, toB, gone, aToB), new MemoryLink(a, toB, toA, gone, bToA)]
}

class MemoryLink implements Link {
  readonly peerId: string
  readonly partialSince = undefined
  readonly #incoming: BoundedQueue<Uint8Array>
  readonly #outgoing: BoundedQueue<Uint8Array>
  readonly #gone: AbortController
  readonly #meddle: Meddle

  constructor(
    peerId: string,
    incoming: BoundedQueue<Uint8Array>,
    outgoing: BoundedQueue<Uint8Array>,
    gone: AbortController,
    meddle: Meddle = (message) => [message],
  ) {
    this.peerId = peerId
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#gone = gone
    this.#meddle = meddle
  }

  async *messages({ signal, maxBytes }: ReceiveOptions): AsyncGenerator<Uint8Array, void> {
    for await (const message of this.#incoming.values({ signal })) {
      if (message.length > maxBytes())
        throw new CodexError(
          'exchange/message-too-long',
          `expected at most ${maxBytes()} bytes, found ${message.length}`,
        )
      yield message
    }
  }

  async send(chunks: readonly Uint8Array[], { signal }: AbortOptions): Promise<void> {
    if (this.#gone.signal.aborted) throw closed()
    const end = (): void => this.close()
    for (const message of await raceAbort(Promise.resolve(this.#meddle(concatBytes(...chunks), end)), signal)) {
      await this.#outgoing.push(message, { signal }).catch((error: unknown) => {
        throw CodexError.is(error, 'queue/closed') ? closed() : error
      })
    }
  }

  close(): void {
    this.#gone.abort()
    this.#incoming.close()
    this.#outgoing.close()
  }
}

function closed(): CodexError {
  return new CodexError('exchange/link-closed', 'the link is closed')
}
