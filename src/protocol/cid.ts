// Content identifiers: the six kinds this network uses, their bytes and their text. Not a general CID library: whatever is not
// one of the six in its one canonical form is refused, so two equal things never have two names.

import { base58btc } from 'multiformats/bases/base58'
import { checkedBytes, compareBytes, equalBytes, isBytes } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import {
  CODEX_BLOCK,
  CODEX_MANIFEST,
  CODEX_PROVING_ROOT,
  CODEX_ROOT,
  CODEX_SLOT_CELL,
  CODEX_SLOT_ROOT,
  IDENTITY,
  POSEIDON2_MERKLE_2KB,
  SHA2_256,
} from './multicodec.ts'
import { encodeVarint, readVarint } from './varint.ts'

/** What a CID names. `tree` is the root of a byte Merkle tree, `slot cell` the Poseidon2 hash of a block. */
export type CidKind = 'manifest' | 'block' | 'tree' | 'slot root' | 'verify root' | 'slot cell'

export const DIGEST_BYTES = 32
/** The longest text of the six kinds has 56 characters; more is refused before it is decoded. */
export const MAX_CID_CHARS = 64
/** Of the texts of the six kinds, the shortest. */
const MIN_CID_CHARS = 52

const CID_VERSION = 1

interface KindRule {
  readonly kind: CidKind
  readonly hashCode: number
  /** The digest is an element of the proof system's field, little-endian. */
  readonly inField: boolean
  /** What stands before the digest. Made once: peers send a great many CIDs. */
  readonly head: Uint8Array
}

const RULES: ReadonlyMap<number, KindRule> = new Map([
  rule(CODEX_MANIFEST, { kind: 'manifest', hashCode: SHA2_256, inField: false }),
  rule(CODEX_BLOCK, { kind: 'block', hashCode: SHA2_256, inField: false }),
  rule(CODEX_ROOT, { kind: 'tree', hashCode: SHA2_256, inField: false }),
  rule(CODEX_SLOT_ROOT, { kind: 'slot root', hashCode: IDENTITY, inField: true }),
  rule(CODEX_PROVING_ROOT, { kind: 'verify root', hashCode: IDENTITY, inField: true }),
  rule(CODEX_SLOT_CELL, { kind: 'slot cell', hashCode: POSEIDON2_MERKLE_2KB, inField: true }),
])

function rule(codec: number, kind: Omit<KindRule, 'head'>): readonly [number, KindRule] {
  const head = Uint8Array.from([CID_VERSION, codec, kind.hashCode, DIGEST_BYTES].flatMap(encodeVarint))
  return [codec, { ...kind, head }]
}

/** The order of the BN254 scalar field: digests of slot roots, verify roots and slot cells are smaller. */
export const FIELD_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617n

/**
 * A content identifier (CIDv1). A value: never changes once made, and its byte arrays are shared, so they must not be written
 * to. Every instance is one of the six kinds, checked; make one with {@link makeCid}, {@link parseCid} or {@link decodeCid}.
 */
export class Cid {
  readonly kind: CidKind
  readonly codec: number
  readonly hashCode: number
  /** {@link DIGEST_BYTES} bytes. */
  readonly digest: Uint8Array
  /** The binary form: version, codec, hash code, digest length, digest. */
  readonly bytes: Uint8Array
  #text: string | undefined
  #key: string | undefined

  /** @throws CodexError as {@link makeCid} does */
  constructor(codec: number, hashCode: number, digest: Uint8Array) {
    const rule = ruleOf(codec, hashCode)
    checkDigest(digest, rule)
    this.kind = rule.kind
    this.codec = codec
    this.hashCode = rule.hashCode
    this.bytes = new Uint8Array(rule.head.length + DIGEST_BYTES)
    this.bytes.set(rule.head)
    this.bytes.set(digest, rule.head.length)
    this.digest = this.bytes.subarray(rule.head.length)
  }

  /** Always `z` and base58btc of the bytes. */
  toString(): string {
    this.#text ??= base58btc.encode(this.bytes)
    return this.#text
  }

  /** The bytes as characters: what a Map takes for the CID, equal for equal ones. Not for people, and much cheaper than the text. */
  get key(): string {
    this.#key ??= String.fromCharCode.apply(undefined, this.bytes as unknown as number[])
    return this.#key
  }

  /** Its text. */
  toJSON(): string {
    return this.toString()
  }

  /** Whether `value` was made by this class, and so is checked: a look-alike is not one. */
  static is(value: unknown): value is Cid {
    return typeof value === 'object' && value !== null && #text in value
  }
}

/**
 * The CID of a digest. Copies the digest.
 * @throws CodexError `cid/unknown-codec`, `cid/unknown-hash`, `cid/wrong-hash` (the codec goes with another hash),
 * `cid/wrong-digest-length`, `cid/digest-not-in-field`
 */
export function makeCid(codec: number, hashCode: number, digest: Uint8Array): Cid {
  return new Cid(codec, hashCode, digest)
}

/**
 * Reads the text form: `z` and base58btc, in exactly the spelling that {@link Cid.toString} writes. Messages name the text.
 * @throws CodexError `cid/text-too-long`, `cid/not-base58btc`, `cid/not-canonical`, and those of {@link decodeCid}
 */
export function parseCid(text: string): Cid {
  if (typeof text !== 'string')
    throw new CodexError('cid/not-base58btc', `expected the text of a CID, found ${describeValue(text)}`)
  const found = describeValue(text)
  if (text.length > MAX_CID_CHARS)
    throw new CodexError(
      'cid/text-too-long',
      `expected a CID of at most ${MAX_CID_CHARS} characters, found ${text.length}: ${found}`,
      { detail: { limitChars: MAX_CID_CHARS, foundChars: text.length } },
    )
  if (!/^z[1-9A-HJ-NP-Za-km-z]+$/.test(text))
    throw new CodexError('cid/not-base58btc', `expected 'z' and base58btc characters only, found ${found}`, {
      detail: { found: text },
    })
  const cid = decodeText(text)
  if (cid.toString() !== text)
    throw new CodexError(
      'cid/not-canonical',
      `expected ${cid.toString()}, found ${text}: write the CID without padding`,
      { detail: { expected: cid.toString(), found: text } },
    )
  return cid
}

/** base58 is one large number, so cutting its end changes every byte: what the bytes seem to say then is beside the point. */
function decodeText(text: string): Cid {
  try {
    return decodeCid(base58btc.decode(text))
  } catch (cause) {
    if (!CodexError.is(cause)) throw cause
    const found = describeValue(text)
    if (text.length < MIN_CID_CHARS && SIGNS_OF_A_CUT.includes(cause.code) && cause.detail['found'] !== 0)
      throw new CodexError(
        'cid/truncated',
        `expected at least ${MIN_CID_CHARS} characters of a CID, found ${text.length}: ${found}. Copy all of it`,
        { detail: { expectedChars: MIN_CID_CHARS, foundChars: text.length, found: text }, cause },
      )
    throw new CodexError(cause.code, `${cause.message}, in ${found}: compare each character with the original`, {
      detail: { ...cause.detail, text },
      cause,
    })
  }
}

/** How the binary form of a text with characters missing is refused, most often. */
const SIGNS_OF_A_CUT: readonly string[] = ['cid/unsupported-version', 'cid/truncated', 'cid/not-canonical']

/**
 * Reads the binary form. The whole of `bytes` must be the CID, each number in its shortest encoding.
 * @throws CodexError `cid/not-bytes`, `cid/truncated`, `cid/not-canonical`, `cid/unsupported-version`, `cid/wrong-digest-length`,
 * `cid/trailing-bytes`, and those of {@link makeCid}
 */
export function decodeCid(input: Uint8Array): Cid {
  const bytes = checkedBytes(input, 'cid/not-bytes', 'the binary form of a CID')
  if (bytes[0] === SHA2_256 && bytes[1] === DIGEST_BYTES)
    throw new CodexError(
      'cid/unsupported-version',
      'expected CID version 1, found version 0: ask for the version 1 form',
      {
        detail: { expected: CID_VERSION, found: 0 },
      },
    )
  const version = readVarint(bytes, 0, 'cid')
  if (version.value !== CID_VERSION)
    throw new CodexError('cid/unsupported-version', `expected CID version ${CID_VERSION}, found ${version.value}`, {
      detail: { expected: CID_VERSION, found: version.value },
    })
  const codec = readVarint(bytes, version.end, 'cid')
  const hashCode = readVarint(bytes, codec.end, 'cid')
  ruleOf(codec.value, hashCode.value) // First, because the length of a foreign digest says nothing.
  const length = readVarint(bytes, hashCode.end, 'cid')
  const digest = bytes.subarray(length.end, length.end + DIGEST_BYTES)
  if (length.value !== DIGEST_BYTES) throw wrongDigestLength(length.value)
  if (digest.length < DIGEST_BYTES)
    throw new CodexError('cid/truncated', `expected ${DIGEST_BYTES} bytes of digest, found ${digest.length}`, {
      detail: { expectedBytes: DIGEST_BYTES, foundBytes: digest.length },
    })
  const extraBytes = bytes.length - length.end - DIGEST_BYTES
  if (extraBytes > 0)
    throw new CodexError(
      'cid/trailing-bytes',
      `expected the CID to end after its digest, found ${extraBytes} more bytes`,
      {
        detail: { extraBytes },
      },
    )
  return new Cid(codec.value, hashCode.value, digest)
}

/**
 * Whether both name the same content in the same way: equal codec, hash code and digest.
 * @throws CodexError `cid/not-a-cid`
 */
export function equalCids(a: Cid, b: Cid): boolean {
  return equalBytes(checkedCid(a).bytes, checkedCid(b).bytes)
}

/**
 * A total order of CIDs, that of their bytes, as `Array.sort` wants it.
 * @throws CodexError `cid/not-a-cid`
 */
export function compareCids(a: Cid, b: Cid): number {
  return compareBytes(checkedCid(a).bytes, checkedCid(b).bytes)
}

// Of what is no CID they do not say no, because that would hide the mistake: they throw `cid/not-a-cid`.
/** Whether it names a manifest, and so a dataset. */
export const isManifestCid = (cid: Cid): boolean => checkedCid(cid).kind === 'manifest'
/** Whether it names one block of data, whatever dataset that belongs to. */
export const isBlockCid = (cid: Cid): boolean => checkedCid(cid).kind === 'block'
/** Whether it names the tree over the blocks of a dataset. */
export const isTreeCid = (cid: Cid): boolean => checkedCid(cid).kind === 'tree'
/** Whether it names the root of a slot's tree. */
export const isSlotRootCid = (cid: Cid): boolean => checkedCid(cid).kind === 'slot root'
/** Whether it names the root over the roots of all slots, which a storage request holds. */
export const isVerifyRootCid = (cid: Cid): boolean => checkedCid(cid).kind === 'verify root'
/** Whether it names the Poseidon2 hash of one block of a slot. */
export const isSlotCellCid = (cid: Cid): boolean => checkedCid(cid).kind === 'slot cell'

/**
 * The door for CIDs from outside.
 * @throws CodexError `cid/not-a-cid`
 */
function checkedCid(cid: Cid): Cid {
  if (Cid.is(cid)) return cid
  throw new CodexError('cid/not-a-cid', `expected a Cid that parseCid or its like made, found ${describeValue(cid)}`)
}

function ruleOf(codec: number, hashCode: number): KindRule {
  const rule = RULES.get(codec)
  if (rule === undefined)
    throw new CodexError(
      'cid/unknown-codec',
      `expected one of the six content codecs of this network, found ${describeValue(codec)}`,
      { detail: { found: numberOrDescription(codec) } },
    )
  if (hashCode !== rule.hashCode) {
    const known = [...RULES.values()].some((other) => other.hashCode === hashCode)
    throw new CodexError(
      known ? 'cid/wrong-hash' : 'cid/unknown-hash',
      `expected hash code ${rule.hashCode} for a ${rule.kind}, found ${describeValue(hashCode)}`,
      { detail: { kind: rule.kind, expected: rule.hashCode, found: numberOrDescription(hashCode) } },
    )
  }
  return rule
}

function checkDigest(digest: Uint8Array, rule: KindRule): void {
  if (!isBytes(digest))
    throw new CodexError(
      'cid/wrong-digest-length',
      `expected a digest of ${DIGEST_BYTES} bytes, found ${describeValue(digest)}`,
      { detail: { expectedBytes: DIGEST_BYTES } },
    )
  if (digest.length !== DIGEST_BYTES) throw wrongDigestLength(digest.length)
  if (rule.inField && !isBelowFieldOrder(digest))
    throw new CodexError(
      'cid/digest-not-in-field',
      `expected the digest of a ${rule.kind} to be below the field order, little-endian, found a larger number`,
      { detail: { kind: rule.kind } },
    )
}

/** {@link FIELD_ORDER}, most significant byte first. */
const FIELD_ORDER_BYTES = Array.from({ length: DIGEST_BYTES }, (_, i) =>
  Number((FIELD_ORDER >> BigInt(8 * (DIGEST_BYTES - 1 - i))) & 0xffn),
)

function isBelowFieldOrder(littleEndian: Uint8Array): boolean {
  for (const [i, limit] of FIELD_ORDER_BYTES.entries()) {
    const byte = littleEndian[DIGEST_BYTES - 1 - i] ?? 0
    if (byte !== limit) return byte < limit
  }
  return false
}

function wrongDigestLength(foundBytes: number): CodexError {
  return new CodexError('cid/wrong-digest-length', `expected a digest of ${DIGEST_BYTES} bytes, found ${foundBytes}`, {
    detail: { expectedBytes: DIGEST_BYTES, foundBytes },
  })
}
