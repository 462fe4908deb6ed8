// Yamux with fewer words, and smaller ones. A receiver tells the sender how much more may come; js-libp2p does so after every frame, and each time that is a record to
// encrypt, to write and to read. Telling it when half of what was granted is used up says the same.

import type { Stream } from '@libp2p/interface'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'

/** Granted from the first words on, so that half of it is more than what is on its way at once. The library lets it grow where that helps. */
export const WINDOW_BYTES: Bytes = MiB
/** So far it may grow, for peers that are far away: who is slow to answer can make it grow, and all of it may wait to be read. */
export const MAX_WINDOW_BYTES: Bytes = 4 * MiB
/**
 * The longest frame that is sent: with its head it fills sixteen records of Noise. A reader gets nothing of a frame before all of it is there; the library
 * makes frames as long as the window, all of which is then held in memory on both sides.
 */
export const FRAME_BYTES: Bytes = 16 * 65_519 - 12

interface WindowedStream {
  /** Granted in all, and what of it is left. */
  recvWindow: Bytes
  readonly recvWindowCapacity: Bytes
  sendWindowUpdate: () => void
  /** Set anew with every word of the receiver. */
  maxMessageSize: Bytes
}

/** The stream itself, which says less from now on. One of another muxer, or made otherwise than this knows, stays as it is. */
export function sparseWindow(stream: Stream): Stream {
  const windowed = stream as unknown as Partial<WindowedStream>
  if (!isWindowed(windowed)) return stream
  const sendWindowUpdate = windowed.sendWindowUpdate.bind(stream)
  windowed.recvWindow = Math.max(windowed.recvWindow, WINDOW_BYTES)
  limitFrames(windowed)
  windowed.sendWindowUpdate = () => {
    if (windowed.recvWindowCapacity <= windowed.recvWindow / 2) sendWindowUpdate()
  }
  return stream
}

/** What the peer may have sent and is not read yet: no more can come. Undefined for a stream of another muxer, whose peer sends what it likes. */
export function windowOf(stream: Stream): Bytes | undefined {
  const windowed = stream as unknown as Partial<WindowedStream>
  return isWindowed(windowed) ? windowed.recvWindow : undefined
}

function limitFrames(stream: WindowedStream): void {
  let maxBytes = stream.maxMessageSize
  Object.defineProperty(stream, 'maxMessageSize', {
    get: () => Math.min(maxBytes, FRAME_BYTES),
    set: (bytes: Bytes) => {
      maxBytes = bytes
    },
  })
}

function isWindowed(stream: Partial<WindowedStream>): stream is WindowedStream {
  const { recvWindow, recvWindowCapacity, sendWindowUpdate, maxMessageSize } = stream
  return (
    typeof recvWindow === 'number' &&
    typeof recvWindowCapacity === 'number' &&
    typeof sendWindowUpdate === 'function' &&
    typeof maxMessageSize === 'number'
  )
}
