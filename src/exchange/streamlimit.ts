// How many streams a peer may hold open on one connection, of whatever protocol, agreed on or not. Yamux of the library counts for itself; its mplex only
// looks how many come in a second.

import type { Stream, StreamMuxerFactory } from '@libp2p/interface'
import { CodexError } from '../lib/errors.ts'

/** Streams of one connection, each way. The network's nodes keep to 200, and use a handful. */
export const STREAMS_PER_CONNECTION = 64

/** The muxer itself, which resets what the peer opens beyond that. With a muxer that gives up its connection ends. */
export function limitStreamsOf<T extends StreamMuxerFactory>(factory: T): T {
  const createStreamMuxer = factory.createStreamMuxer.bind(factory)
  factory.createStreamMuxer = (connection) => {
    const muxer = createStreamMuxer(connection)
    const remote = muxer as unknown as { onRemoteStream: (stream: Stream) => void }
    const onRemoteStream = remote.onRemoteStream.bind(muxer)
    remote.onRemoteStream = (stream) => {
      const open = muxer.streams.filter(({ direction }) => direction === 'inbound').length
      if (open < STREAMS_PER_CONNECTION) onRemoteStream(stream)
      else stream.abort(tooMany())
    }
    // Mplex gives up on a peer that opens too many at once, and leaves the connection, which then holds what comes and is of no use to anybody.
    const abort = muxer.abort.bind(muxer)
    muxer.abort = (error) => {
      abort(error)
      connection.abort(error)
    }
    return muxer
  }
  return factory
}

function tooMany(): CodexError {
  return new CodexError(
    'network/too-many-streams',
    `expected at most ${STREAMS_PER_CONNECTION} streams of a peer, found more: close some first`,
    { detail: { limit: STREAMS_PER_CONNECTION } },
  )
}
