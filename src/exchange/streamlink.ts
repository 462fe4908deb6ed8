// A link over the streams of a multiplexed connection, as the network's nodes use them: each side writes on the one it opened, and reads from that
// and from all that the other opened. A stream that breaks in the middle ends the link: what was lost with it must be said again.

import type { Stream, StreamCloseEvent, StreamMessageEvent } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import { Doorbell } from './doorbell.ts'
import { FrameReader, framePrefix, MAX_WAITING_MESSAGES, tooMany } from './framereader.ts'
import type { Link, ReceiveOptions } from './link.ts'
import type { MessageMemory } from './messagememory.ts'
import { sparseWindow, windowOf } from './sparsewindow.ts'

/** What a stream may buffer beyond the message that is allowed, before it is reset, where it has no window: mplex cannot make its sender wait. */
const READ_AHEAD_BYTES: Bytes = MiB

export interface StreamLinkParts {
  readonly peerId: string
  readonly isDialled: boolean
  readonly clock: Pick<Clock, 'now'>
  /** For the messages that come. */
  readonly memory: MessageMemory
  /** A new stream to the peer, negotiated. */
  readonly open: (options: AbortOptions) => Promise<Stream>
}

export class StreamLink implements Link {
  readonly #parts: StreamLinkParts
  readonly #over = new AbortController()
  readonly #bell = new Doorbell()
  readonly #streams = new Set<Stream>()
  /** Complete and not pulled, one at most unless several came in one piece; while there are any, no stream is read. */
  readonly #messages: Uint8Array[] = []
  readonly #partialSince = new Map<Stream, Seconds>()
  readonly #readers = new Map<Stream, FrameReader>()
  readonly #resuming = new Set<Stream>()
  #outbound: Stream | undefined
  #maxBytes: () => Bytes = () => 0
  #isReading = false
  #either: { readonly of: AbortSignal; readonly signal: AbortSignal } | undefined

  constructor(parts: StreamLinkParts) {
    this.#parts = parts
  }

  get peerId(): string {
    return this.#parts.peerId
  }

  get isDialled(): boolean {
    return this.#parts.isDialled
  }

  /** Aborts when the link is over. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  get partialSince(): Seconds | undefined {
    return this.#partialSince.size === 0 ? undefined : Math.min(...this.#partialSince.values())
  }

  spare(seconds: Seconds): void {
    const now = this.#parts.clock.now()
    for (const [stream, since] of this.#partialSince) this.#partialSince.set(stream, Math.min(since + seconds, now))
  }

  get partialBytes(): Bytes {
    let bytes = 0
    for (const reader of this.#readers.values()) bytes += reader.partialBytes
    return bytes
  }

  /** Reads this stream too, from now on. */
  add(stream: Stream): void {
    if (this.#over.signal.aborted) {
      stream.abort(closed('the link is over'))
      return
    }
    this.#streams.add(sparseWindow(stream))
    const reader = new FrameReader(() => this.#maxBytes(), this.#parts.memory)
    this.#readers.set(stream, reader)
    stream.addEventListener('message', ({ data }: StreamMessageEvent) => this.#receive(stream, reader, data))
    stream.addEventListener('close', (event: StreamCloseEvent) => this.#closed(stream, reader, event.error))
    stream.addEventListener('remoteCloseWrite', () => {
      if (stream !== this.#outbound) stream.close().catch(() => undefined)
    })
    this.#flow(stream)
    // An end that came before anyone listened.
    if (stream.status !== 'open') this.#closed(stream, reader, undefined)
  }

  async *messages({ signal, maxBytes }: ReceiveOptions): AsyncGenerator<Uint8Array, void> {
    this.#maxBytes = maxBytes
    this.#isReading = true
    const either = AbortSignal.any([signal, this.#over.signal])
    for (;;) {
      for (let next = this.#messages.shift(); next !== undefined; next = this.#messages.shift()) {
        // The next one may come meanwhile.
        for (const stream of [...this.#streams]) this.#flow(stream)
        yield next
        this.#parts.memory.giveBack(next)
      }
      signal.throwIfAborted()
      if (this.#over.signal.aborted) throw this.#over.signal.reason as Error
      for (const stream of [...this.#streams]) this.#flow(stream)
      if (this.#messages.length === 0) await this.#bell.wait({ signal: either })
    }
  }

  async send(chunks: readonly Uint8Array[], { signal }: AbortOptions): Promise<void> {
    const either = this.#eitherOf(signal)
    either.throwIfAborted()
    const stream = this.#outbound ?? (await this.#open(either))
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    try {
      stream.send(new Uint8ArrayList(framePrefix(length), ...chunks))
    } catch (cause) {
      throw this.#fail(closed('the stream to the peer takes nothing more', cause))
    }
    await handedOn(stream, either)
  }

  close(reason: Error = closed('the link was closed')): void {
    if (this.#over.signal.aborted) return
    this.#over.abort(reason)
    for (const stream of this.#streams) stream.abort(reason)
    this.#streams.clear()
    this.#partialSince.clear()
    this.#readers.clear()
    this.#messages.length = 0
  }

  /** Made once for all messages of one sender: it costs more than what is done with it. */
  #eitherOf(signal: AbortSignal): AbortSignal {
    if (this.#either?.of !== signal) this.#either = { of: signal, signal: AbortSignal.any([signal, this.#over.signal]) }
    return this.#either.signal
  }

  async #open(signal: AbortSignal): Promise<Stream> {
    try {
      const stream = await this.#parts.open({ signal })
      this.#outbound = stream
      this.add(stream)
      signal.throwIfAborted()
      return stream
    } catch (cause) {
      throw this.#fail(closed('no stream to the peer can be opened', cause))
    }
  }

  #receive(stream: Stream, reader: FrameReader, data: StreamMessageEvent['data']): void {
    try {
      // A list is not joined first: the reader puts its parts where they belong.
      for (const bytes of data instanceof Uint8Array ? [data] : data) this.#messages.push(...reader.push(bytes))
      if (this.#messages.length > MAX_WAITING_MESSAGES) throw tooMany()
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    if (!reader.isPartial) this.#partialSince.delete(stream)
    else if (!this.#partialSince.has(stream)) this.#partialSince.set(stream, this.#parts.clock.now())
    if (this.#messages.length === 0) return
    for (const each of this.#streams) this.#flow(each)
    this.#bell.ring()
  }

  /** A stream is read while no message waits to be pulled. */
  #flow(stream: Stream): void {
    if (stream.status !== 'open') return
    // Within a call of `resume` it has handed on all it held, and says then, whatever was said to it meanwhile, that more may come.
    if (this.#resuming.has(stream)) return
    try {
      if (this.#isRead) {
        this.#resuming.add(stream)
        stream.resume()
      }
      if (!this.#isRead) stream.pause()
    } catch {
      // Its readable end is closing: its close event tells the rest.
    }
    this.#resuming.delete(stream)
    // Last, because with a word to the peer the window may grow.
    stream.maxReadBufferLength = this.#maxBytes() + (windowOf(stream) ?? READ_AHEAD_BYTES)
  }

  get #isRead(): boolean {
    return this.#isReading && this.#messages.length === 0
  }

  #closed(stream: Stream, reader: FrameReader, error: Error | undefined): void {
    this.#streams.delete(stream)
    this.#partialSince.delete(stream)
    this.#readers.delete(stream)
    if (stream === this.#outbound || error !== undefined || reader.isPartial)
      this.#fail(closed('a stream of the peer broke off', error))
  }

  #fail(error: Error): Error {
    this.close(error)
    return error
  }
}

/**
 * Settles when all that was sent has been encrypted, which copies it, and the connection takes more: a stream that needs no draining, and holds nothing
 * back for want of a window, has handed on everything. Its own promise for that is made once and stays settled, so events are listened to instead.
 */
async function handedOn(stream: Stream, signal: AbortSignal): Promise<void> {
  if (isHandedOn(stream)) return
  let wake: () => void = () => {}
  const awake = (): void => wake()
  stream.addEventListener('drain', awake)
  stream.addEventListener('idle', awake)
  stream.addEventListener('close', awake)
  try {
    while (!isHandedOn(stream)) {
      if (stream.status !== 'open') throw closed('the stream to the peer broke off')
      const event = new Promise<void>((resolve) => {
        wake = resolve
      })
      await raceAbort(event, signal)
    }
  } finally {
    stream.removeEventListener('drain', awake)
    stream.removeEventListener('idle', awake)
    stream.removeEventListener('close', awake)
  }
}

function isHandedOn({ writableNeedsDrain, writeBufferLength }: Stream): boolean {
  return !writableNeedsDrain && writeBufferLength === 0
}

function closed(what: string, cause?: unknown): CodexError<'exchange/link-closed'> {
  return new CodexError('exchange/link-closed', what, cause === undefined ? {} : { cause })
}
