// Signed peer records (data reference §11): who a peer is and where, under its own signature. Reading one checks it; what is to be believed
// about the addresses in it is another question.

import { secp256k1 } from '@noble/curves/secp256k1.js'
import { base64url } from 'multiformats/bases/base64'
import { concatBytes, equalBytes, isBytes, utf8 } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { encodeVarint } from '../protocol/varint.ts'
import { WireMessage, WireWriter } from '../protocol/wire.ts'
import { decodeMultiaddr, encodeMultiaddr } from './multiaddr.ts'
import { decodePublicKey, encodePublicKey, peerIdBytes, peerIdText, PUBLIC_KEY_BYTES } from './peerid.ts'

/** A peer record and its signature, which is right: nothing else is read or written. */
export interface Spr {
  /** Compressed secp256k1 point, 33 bytes. */
  readonly publicKey: Uint8Array
  /** Follows from the key. */
  readonly peerId: string
  /** Of two records of a peer the one with the larger number counts; the network takes unix seconds. */
  readonly seqNo: number
  /** Multiaddrs, such as `/ip4/192.0.2.1/tcp/8070`. */
  readonly addresses: readonly string[]
  /** ECDSA over sha256, DER. */
  readonly signature: Uint8Array
}

/** What its owner signs. */
export interface UnsignedSpr {
  /** 32 bytes. */
  readonly privateKey: Uint8Array
  readonly seqNo: number
  readonly addresses: readonly string[]
}

/** Characters of the text form; a record with {@link MAX_SPR_ADDRESSES} ordinary addresses takes a tenth of it. */
export const MAX_SPR_CHARS = 8192
export const MAX_SPR_ADDRESSES = 32
/** An ECDSA signature of 32-byte numbers in DER has at most 72. */
const MAX_SIGNATURE_BYTES = 72

const PREFIX = 'spr:'
const DOMAIN = utf8('libp2p-peer-record')
const PAYLOAD_TYPE = Uint8Array.of(0x03, 0x01)
const PRIVATE_KEY_BYTES = 32

/**
 * Signs a record, or checks one that is signed, and writes it: `spr:` and unpadded base64url.
 * @throws CodexError `spr/bad-record`, `spr/bad-signature`, `spr/too-long`, `multiaddr/…`
 */
export function encodeSpr(record: Spr | UnsignedSpr): string {
  const spr = 'privateKey' in checkedRecord(record) ? signSpr(record as UnsignedSpr) : (record as Spr)
  checkSpr(spr)
  const payload = encodePayload(spr)
  if (!isSigned(spr, payload)) throw badSignature(spr.peerId)
  const envelope = new WireWriter()
    .bytes(1, encodePublicKey(spr.publicKey))
    .bytes(2, PAYLOAD_TYPE)
    .bytes(3, payload)
    .bytes(5, spr.signature)
  const text = PREFIX + base64url.baseEncode(envelope.finish())
  if (text.length <= MAX_SPR_CHARS) return text
  throw tooLong(text.length)
}

/**
 * Reads a record and checks its signature; the one spelling that {@link encodeSpr} writes and no other.
 * @throws CodexError `spr/not-a-record`, `spr/too-long`, `spr/bad-record`, `spr/bad-signature`, `spr/not-canonical`, `peer/unsupported-key`,
 * `multiaddr/…`, and `spr/…` of `WireMessage`
 */
export function decodeSpr(text: string): Spr {
  const bytes = envelopeOf(text)
  const envelope = new WireMessage(bytes, { 1: 'bytes', 2: 'bytes', 3: 'bytes', 5: 'bytes' }, 'spr', 8)
  const type = envelope.bytes(2)
  if (type === undefined || !equalBytes(type, PAYLOAD_TYPE))
    throw badRecord('a peer record (payload type 0301)', 'another payload')
  const payload = envelope.bytes(3) ?? new Uint8Array(0)
  const publicKey = decodePublicKey(envelope.bytes(1) ?? new Uint8Array(0))
  const record = new WireMessage(
    payload,
    { 1: 'bytes', 2: 'number', 3: 'repeated bytes' },
    'spr',
    MAX_SPR_ADDRESSES + 4,
  )
  if (!equalBytes(record.bytes(1) ?? new Uint8Array(0), peerIdBytes(publicKey)))
    throw badRecord('the peer id of its own key', 'another peer id')
  const entries = record.list(3)
  if (entries.length > MAX_SPR_ADDRESSES) throw badRecord(`at most ${MAX_SPR_ADDRESSES} addresses`, entries.length)
  const spr: Spr = {
    publicKey,
    peerId: peerIdText(publicKey),
    seqNo: record.number(2),
    addresses: entries.map((entry) =>
      decodeMultiaddr(new WireMessage(entry, { 1: 'bytes' }, 'spr', 4).bytes(1) ?? new Uint8Array(0)),
    ),
    signature: (envelope.bytes(5) ?? new Uint8Array(0)).slice(),
  }
  if (!isSigned(spr, payload)) throw badSignature(spr.peerId)
  if (encodeSpr(spr) !== text)
    throw new CodexError('spr/not-canonical', 'expected the one spelling of this record, found another')
  return spr
}

/** @throws CodexError `spr/bad-record`, `multiaddr/…` */
export function signSpr(record: UnsignedSpr): Spr {
  const { privateKey, seqNo, addresses } = checkedRecord(record)
  const isKey = isBytes(privateKey) && privateKey.length === PRIVATE_KEY_BYTES
  if (!isKey || !secp256k1.utils.isValidSecretKey(plain(privateKey)))
    throw badRecord('a secp256k1 private key of 32 bytes', 'something else')
  const publicKey = secp256k1.getPublicKey(plain(privateKey), true)
  const unsigned = { publicKey, peerId: peerIdText(publicKey), seqNo, addresses: [...checkedAddresses(addresses)] }
  checkSeqNo(seqNo)
  const signature = secp256k1.sign(signedBytes(encodePayload(unsigned)), plain(privateKey), { format: 'der' })
  return { ...unsigned, signature }
}

function envelopeOf(text: string): Uint8Array {
  if (typeof text !== 'string' || !text.startsWith(PREFIX))
    throw new CodexError('spr/not-a-record', `expected a peer record beginning with spr:, found ${describeValue(text)}`)
  if (text.length > MAX_SPR_CHARS) throw tooLong(text.length)
  try {
    return base64url.baseDecode(text.slice(PREFIX.length))
  } catch (cause) {
    throw new CodexError('spr/not-a-record', `expected base64url after spr:, found ${describeValue(text)}`, { cause })
  }
}

function encodePayload({ publicKey, seqNo, addresses }: Omit<Spr, 'signature'>): Uint8Array {
  const writer = new WireWriter().bytes(1, peerIdBytes(publicKey)).number(2, seqNo)
  for (const address of addresses) writer.message(3, new WireWriter().bytes(1, encodeMultiaddr(address)))
  return writer.finish()
}

/** Domain, type and payload, each with its length before it. */
function signedBytes(payload: Uint8Array): Uint8Array {
  const parts = [DOMAIN, PAYLOAD_TYPE, payload]
  return concatBytes(...parts.flatMap((part) => [Uint8Array.from(encodeVarint(part.length)), part]))
}

function isSigned({ publicKey, signature }: Spr, payload: Uint8Array): boolean {
  try {
    // The network's own signatures may have the larger of the two possible s.
    return secp256k1.verify(plain(signature), signedBytes(payload), plain(publicKey), { format: 'der', lowS: false })
  } catch {
    // What is no signature, or no point, signs nothing.
    return false
  }
}

/** The door for records that are written: shape only, the signature is checked where the payload is known. */
function checkSpr(spr: Spr): void {
  const { publicKey, peerId, seqNo, addresses, signature } = spr
  if (!isBytes(publicKey) || publicKey.length !== PUBLIC_KEY_BYTES)
    throw badRecord(`a public key of ${PUBLIC_KEY_BYTES} bytes`, publicKey)
  if (peerId !== peerIdText(publicKey)) throw badRecord('the peer id of its own key', peerId)
  checkSeqNo(seqNo)
  checkedAddresses(addresses)
  if (!isBytes(signature) || signature.length > MAX_SIGNATURE_BYTES) throw badRecord('a signature in DER', signature)
}

function checkedRecord<T>(record: T): T {
  if (typeof record !== 'object' || record === null) throw badRecord('a peer record', record)
  return record
}

function checkSeqNo(seqNo: unknown): void {
  if (typeof seqNo !== 'number' || !Number.isSafeInteger(seqNo) || seqNo < 0)
    throw badRecord('a sequence number from 0 to 2^53 - 1', seqNo)
}

function checkedAddresses(addresses: unknown): readonly string[] {
  if (Array.isArray(addresses) && addresses.length <= MAX_SPR_ADDRESSES) return addresses as readonly string[]
  throw badRecord(`a list of at most ${MAX_SPR_ADDRESSES} addresses`, addresses)
}

/** The curve library asks `instanceof`, which bytes of another realm do not satisfy. */
function plain(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

function badRecord(expected: string, found: unknown): CodexError<'spr/bad-record'> {
  return new CodexError('spr/bad-record', `expected ${expected}, found ${describeValue(found)}`, {
    detail: { expected, found: numberOrDescription(found) },
  })
}

function badSignature(peerId: string): CodexError<'spr/bad-signature'> {
  return new CodexError(
    'spr/bad-signature',
    `expected a record signed by ${peerId}, found that it is not: ask for it again`,
    { detail: { peerId } },
  )
}

function tooLong(foundChars: number): CodexError<'spr/too-long'> {
  return new CodexError(
    'spr/too-long',
    `expected a record of at most ${MAX_SPR_CHARS} characters, found ${foundChars}`,
    {
      detail: { limitChars: MAX_SPR_CHARS, foundChars },
    },
  )
}
