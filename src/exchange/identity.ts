// The key that a peer is known by. It lives in the datastore: whoever opens the same folder or tab is the same peer. It holds no money.

import { secp256k1 } from '@noble/curves/secp256k1.js'
import { CodexError } from '../lib/errors.ts'
import type { Datastore } from '../storage/datastore.ts'
import { textKey } from '../storage/storagekey.ts'
import { peerIdText } from './peerid.ts'

const IDENTITY_KEY = textKey('meta/identity')
const PRIVATE_KEY_BYTES = 32
/** Bytes of chance that a key is made of: more than it has, so that every key is equally likely. */
const SEED_BYTES = 48

export interface Identity {
  /** secp256k1, 32 bytes. Not to be shown, logged or sent. */
  readonly privateKey: Uint8Array
  readonly publicKey: Uint8Array
  readonly peerId: string
}

/**
 * The identity in the datastore; a new one is made and kept when there is none.
 * @param randomBytes of a source that nobody can guess
 * @throws CodexError `identity/corrupted` for a record that is no key: making another would be another peer
 */
export async function loadIdentity(
  datastore: Pick<Datastore, 'get' | 'commit'>,
  randomBytes: (count: number) => Uint8Array,
): Promise<Identity> {
  const kept = await datastore.get(IDENTITY_KEY)
  if (kept !== undefined) return identityOf(kept)
  const identity = identityOf(secp256k1.utils.randomSecretKey(randomBytes(SEED_BYTES)))
  await datastore.commit([{ put: IDENTITY_KEY, value: identity.privateKey }])
  return identity
}

/** @throws CodexError `identity/corrupted` */
export function identityOf(bytes: Uint8Array): Identity {
  const privateKey = Uint8Array.from(bytes)
  if (privateKey.length !== PRIVATE_KEY_BYTES || !secp256k1.utils.isValidSecretKey(privateKey))
    throw new CodexError(
      'identity/corrupted',
      'expected the key of this node in its datastore, found something else: restore it from a backup, or remove it to become another peer',
    )
  const publicKey = secp256k1.getPublicKey(privateKey, true)
  return { privateKey, publicKey, peerId: peerIdText(publicKey) }
}
