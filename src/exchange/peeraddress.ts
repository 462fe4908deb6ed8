// Where a peer can be reached, as people and records write it: a multiaddr with the peer's id at its end, or a signed record.

import { CodexError } from '../lib/errors.ts'
import { describeValue } from '../lib/describevalue.ts'
import { encodeMultiaddr } from './multiaddr.ts'
import { decodeSpr } from './spr.ts'

export interface PeerAddress {
  /** Undefined where the address names none: whoever answers there is the peer. */
  readonly peerId: string | undefined
  /** Multiaddrs without a peer id, at least one. */
  readonly addresses: readonly string[]
}

/**
 * Reads `/ip4/…/tcp/…/p2p/<peer id>` or `spr:…`. Addresses that only datagrams reach are left out of records: they are those of the DHT.
 * @throws CodexError `peer/bad-address`, `peer/no-address`, and what {@link decodeSpr} and {@link encodeMultiaddr} throw
 */
export function parsePeerAddress(text: string): PeerAddress {
  if (typeof text === 'string' && text.startsWith('spr:')) {
    const { peerId, addresses } = decodeSpr(text)
    const dialable = addresses.filter((address) => address.includes('/tcp/'))
    if (dialable.length > 0) return { peerId, addresses: dialable }
    throw new CodexError(
      'peer/no-address',
      `the record of peer ${peerId} lists no TCP address to connect to, as records of the network's hash table do; ` +
        `name the peer as /ip4/ADDRESS/tcp/PORT/p2p/${peerId} instead, by a TCP address of the "addrs" that its /api/codex/v1/debug/info answers`,
      { detail: { peer: peerId } },
    )
  }
  if (typeof text !== 'string' || !text.startsWith('/'))
    throw new CodexError(
      'peer/bad-address',
      `expected a peer as /ip4/ADDRESS/tcp/PORT/p2p/ID or spr:…, found ${describeValue(text)}`,
    )
  encodeMultiaddr(text)
  const [, address = '', peerId] = /^(.*?)(?:\/p2p\/([^/]+))?$/.exec(text) ?? []
  if (address !== '') return { peerId, addresses: [address] }
  throw new CodexError('peer/no-address', `expected an address before the peer id, found ${describeValue(text)}`)
}

/**
 * The peers of a list that somebody named. Those that cannot be connected to are left out, because the records that networks publish for
 * bootstrapping name the hash table's datagram ports only; a list of nothing else is refused.
 * @param skipped is told of each that is left out
 * @throws CodexError as {@link parsePeerAddress}
 */
export function parsePeerAddresses(
  texts: readonly string[],
  skipped: (error: CodexError) => void,
): readonly PeerAddress[] {
  const unreachable: CodexError[] = []
  const peers = texts.flatMap((text) => {
    try {
      return [parsePeerAddress(text)]
    } catch (error) {
      if (!CodexError.is(error, 'peer/no-address')) throw error
      unreachable.push(error)
      return []
    }
  })
  const [first] = unreachable
  if (first !== undefined && peers.length === 0) throw first
  for (const error of unreachable) skipped(error)
  return peers
}
