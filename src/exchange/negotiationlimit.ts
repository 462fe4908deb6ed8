// What may be proposed before a protocol is agreed on: by whoever opens a connection, before anyone knows who that is, and again on each stream. The library
// answers every line of a negotiation, however many there are in one read: tens of thousands of them keep everyone else waiting.

import type { ConnectionEncrypter, MultiaddrConnection, StreamMuxerFactory, Transport } from '@libp2p/interface'
import { CodexError } from '../lib/errors.ts'
import { preparedUpgrader } from './preparedupgrader.ts'

/** Answers to one negotiation. Two or three are enough for nodes that have a protocol in common. */
export const MAX_ANSWERS = 32

/** Of a connection, ciphered or not, or of a stream. */
interface Channel {
  send: (bytes: never) => boolean
  abort(error: Error): void
}

const limited = new WeakSet<object>()

/** The transport itself; those that come in over it may negotiate for so long and no longer. */
export function limitProposalsOf<T extends Transport>(transport: T): T {
  const createListener = transport.createListener.bind(transport)
  transport.createListener = (options) =>
    createListener({
      ...options,
      upgrader: preparedUpgrader(options.upgrader, (connection) => limitAnswers(connection)),
    })
  return transport
}

/** The encrypter itself: with it the first negotiation ends, and the second begins. */
export function limitProposalsBehind<T extends ConnectionEncrypter>(encrypter: T): T {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  encrypter.secureInbound = async (connection, options) => {
    endOfNegotiation(connection)
    const secured = await secureInbound(connection, options)
    limitAnswers(secured.connection)
    return secured
  }
  return encrypter
}

/** The muxer itself: with it the second negotiation ends, and one begins on each stream of the peer's. */
export function limitProposalsWithin<T extends StreamMuxerFactory>(factory: T): T {
  const createStreamMuxer = factory.createStreamMuxer.bind(factory)
  factory.createStreamMuxer = (connection) => {
    endOfNegotiation(connection)
    const muxer = createStreamMuxer(connection)
    const streams = muxer as unknown as { onRemoteStream: (stream: StreamChannel) => void }
    const onRemoteStream = streams.onRemoteStream.bind(muxer)
    streams.onRemoteStream = (stream) => onRemoteStream(limitAnswers(stream, () => stream.protocol !== ''))
    return muxer
  }
  return factory
}

interface StreamChannel extends Channel {
  readonly protocol: string
}

/** @param isAgreed for channels that say so themselves; of others {@link endOfNegotiation} is told */
function limitAnswers<T extends Channel | MultiaddrConnection>(channel: T, isAgreed = (): boolean => false): T {
  const { send } = channel as Channel
  let answers = 0
  limited.add(channel)
  ;(channel as Channel).send = (bytes) => {
    if (isAgreed()) endOfNegotiation(channel)
    else if (++answers > MAX_ANSWERS) {
      const error = tooMany()
      channel.abort(error)
      throw error
    }
    return send.call(channel, bytes)
  }
  return channel
}

/** From now on the channel sends as before. */
function endOfNegotiation(channel: object): void {
  // The method is that of its class again.
  if (limited.delete(channel)) delete (channel as Partial<Channel>).send
}

function tooMany(): CodexError {
  return new CodexError(
    'network/too-many-proposals',
    `expected agreement on a protocol within ${MAX_ANSWERS} proposals, found more`,
    { detail: { limit: MAX_ANSWERS } },
  )
}
