// Frames of yamux handed on as they come. The library collects the whole of a frame first, as long as the peer says it is, be it four gigabytes, and looks
// only then whether there is such a stream and whether so much was granted to it. Here nothing is held but the beginning of a header, and each piece is held
// against the window of its stream at once.

import type { StreamMuxerFactory } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { MAX_WINDOW_BYTES } from './sparsewindow.ts'

/** No stream is granted more. */
export const MAX_FRAME_BYTES: Bytes = MAX_WINDOW_BYTES
/** Frames without data in one read, which cost more to answer than to send. Between nodes that mean well there are a few. */
export const MAX_EMPTY_FRAMES = 1024
const HEADER_BYTES: Bytes = 12
const DATA = 0
const FIRST_FLAGS = 1 + 2 // SYN and ACK: with the first piece.
const LAST_FLAGS = 4 + 8 // FIN and RST: with the last one.

interface Header {
  readonly type: number
  readonly flag: number
  readonly streamID: number
  readonly length: Bytes
}

/** As the library has it; a piece of a frame is a frame to it. */
export interface Frame {
  readonly header: Header
  readonly data?: Uint8ArrayList | undefined
}

/** The muxer itself, which reads so from now on. One that reads otherwise than this knows, as that of the network's nodes, stays as it is. */
export function readFramesInPieces<T extends StreamMuxerFactory>(factory: T): T {
  const createStreamMuxer = factory.createStreamMuxer.bind(factory)
  factory.createStreamMuxer = (connection) => {
    const muxer = createStreamMuxer(connection)
    const reading = muxer as unknown as { decoder?: Pick<FramePieces, 'emitFrames'> }
    if (typeof reading.decoder?.emitFrames === 'function') reading.decoder = new FramePieces()
    return muxer
  }
  return factory
}

export class FramePieces {
  readonly #head = new Uint8Array(HEADER_BYTES)
  #headBytes = 0
  /** The data frame that is being read, and how much of it is to come. */
  #frame: Header | undefined
  #left: Bytes = 0

  /**
   * The frames, and pieces of them, in these bytes.
   * @throws CodexError `network/bad-frame`; nothing can be read after that
   */
  emitFrames(bytes: Uint8Array | Uint8ArrayList): Frame[] {
    const list = bytes instanceof Uint8Array ? new Uint8ArrayList(bytes) : bytes
    const end = list.byteLength
    const frames: Frame[] = []
    let empty = 0
    for (let at = 0; at < end;) {
      if (this.#frame !== undefined) {
        const { flag, ...header } = this.#frame
        const length = Math.min(this.#left, end - at)
        const isFirst = this.#left === header.length
        this.#left -= length
        const isLast = this.#left === 0
        if (isLast) this.#frame = undefined
        const flags = flag & ((isFirst ? FIRST_FLAGS : 0) | (isLast ? LAST_FLAGS : 0))
        frames.push({ header: { ...header, flag: flags, length }, data: list.sublist(at, at + length) })
        at += length
        continue
      }
      const part = Math.min(HEADER_BYTES - this.#headBytes, end - at)
      this.#head.set(list.subarray(at, at + part), this.#headBytes)
      this.#headBytes += part
      at += part
      if (this.#headBytes < HEADER_BYTES) break
      this.#headBytes = 0
      const header = readHeader(this.#head)
      if (header.type === DATA && header.length > 0) {
        this.#frame = header
        this.#left = header.length
        continue
      }
      if (++empty > MAX_EMPTY_FRAMES) throw bad(`at most ${MAX_EMPTY_FRAMES} frames without data at once, found more`)
      frames.push(header.type === DATA ? { header, data: new Uint8ArrayList() } : { header })
    }
    return frames
  }
}

function readHeader(head: Uint8Array): Header {
  const view = new DataView(head.buffer)
  const [version, type] = [view.getUint8(0), view.getUint8(1)]
  if (version !== 0) throw bad(`version 0 of yamux, found ${version}`)
  const length = view.getUint32(8)
  if (type === DATA && length > MAX_FRAME_BYTES)
    throw bad(`at most ${MAX_FRAME_BYTES} bytes in a frame, found ${length}`)
  return { type, flag: view.getUint16(2), streamID: view.getUint32(4), length }
}

function bad(expected: string): CodexError {
  return new CodexError('network/bad-frame', `expected ${expected}`, { detail: { expected } })
}
