// Encrypted records are deciphered in the pieces that they come in. js-libp2p joins them first: fresh memory and a copy for every 64 KiB that a peer sends,
// and as much more for the collector.

import type { ConnectionEncrypter } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

type Bytes = Uint8Array | Uint8ArrayList

/** What is needed here of the library's stream of records. */
interface Deciphering {
  decrypt?: (record: Bytes) => Bytes
  readonly handshake?: { readonly decrypt?: (record: Bytes) => Bytes }
}

/** The encrypter itself, whose connections decipher in pieces from now on; its cipher must take lists. */
export function decipherInPieces<T extends ConnectionEncrypter>(encrypter: T): T {
  const secureInbound = encrypter.secureInbound.bind(encrypter)
  const secureOutbound = encrypter.secureOutbound.bind(encrypter)
  encrypter.secureInbound = async (...args: Parameters<typeof secureInbound>) => {
    const secured = await secureInbound(...args)
    patch(secured.connection as Deciphering)
    return secured
  }
  encrypter.secureOutbound = async (...args: Parameters<typeof secureOutbound>) => {
    const secured = await secureOutbound(...args)
    patch(secured.connection as Deciphering)
    return secured
  }
  return encrypter
}

/** One that is made otherwise than this knows stays as it is, and is slower. A call has one record: that it is longer than its tag is the cipher's to see. */
function patch(stream: Deciphering): void {
  const { handshake } = stream
  if (typeof stream.decrypt === 'function' && typeof handshake?.decrypt === 'function')
    stream.decrypt = (record) => (handshake as { decrypt(record: Bytes): Bytes }).decrypt(record)
}
