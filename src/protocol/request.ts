// A storage request as the marketplace contract holds it, and the checks on its numbers. Hashing it is in ids.ts; its meaning
// (prices, periods, states) is not here.

import { fromHex, isBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'

declare const BRAND: unique symbol

/** `0x` and lower-case hex digits of 32 bytes. */
export type RequestId = `0x${string}` & { readonly [BRAND]: 'RequestId' }
/** `0x` and lower-case hex digits of 32 bytes. */
export type SlotId = `0x${string}` & { readonly [BRAND]: 'SlotId' }

/** An unsigned whole number; as a `number` it must be safe. */
export type Uint = bigint | number

/** Terms of the contract, in its spelling and its base units: tokens, bytes, seconds. */
export interface StorageAsk<U = bigint> {
  /** A proof is wanted in one of this many periods, on average. */
  readonly proofProbability: U
  readonly pricePerBytePerSecond: U
  readonly collateralPerByte: U
  readonly slots: U
  /** In bytes, padding included. */
  readonly slotSize: U
  /** In seconds. */
  readonly duration: U
  /** Slots that may be lost before the request fails. */
  readonly maxSlotLoss: U
}

/** What a client asks the market to store, as the contract has it. */
export interface StorageRequest<U = bigint> {
  /** `0x` and hex digits of 20 bytes. */
  readonly client: string
  readonly ask: StorageAsk<U>
  readonly content: {
    /** The binary CID of the verifiable manifest. */
    readonly cid: Uint8Array
    /** `0x` and hex digits of 32 bytes: the verify root, little-endian. */
    readonly merkleRoot: string
  }
  /** Seconds after the request. */
  readonly expiry: U
  /** `0x` and hex digits of 32 bytes. */
  readonly nonce: string
}

/** What callers may hand over in place of a {@link StorageRequest}: numbers of either type, hex of either case, the CID as hex. */
export interface StorageRequestInput extends Omit<StorageRequest<Uint>, 'content'> {
  readonly content: { readonly cid: Uint8Array | string; readonly merkleRoot: string }
}

/** What the longest answer of an endpoint can hold: the contract sets no limit, and what it has must be read whatever it is. */
export const MAX_CONTENT_CID_BYTES = 16 * MiB

export const ADDRESS_BYTES = 20
export const WORD_BYTES = 32

const UINT64_BITS = 64
const UINT256_BITS = 256

/**
 * The request with every field checked and in one spelling: `bigint`s, lower-case hex, bytes of its own.
 * @throws CodexError `request/not-a-uint`, `request/out-of-range`, `request/not-hex`, `request/wrong-length`, `request/missing-field`
 */
export function checkedRequest(request: StorageRequestInput): StorageRequest {
  const { client, ask, content, expiry, nonce } = present(request, 'request')
  const terms = present(ask, 'ask')
  const { cid, merkleRoot } = present(content, 'content')
  return {
    client: checkedHex(client, ADDRESS_BYTES, 'client'),
    ask: {
      proofProbability: checkedUint(terms.proofProbability, UINT256_BITS, 'proofProbability'),
      pricePerBytePerSecond: checkedUint(terms.pricePerBytePerSecond, UINT256_BITS, 'pricePerBytePerSecond'),
      collateralPerByte: checkedUint(terms.collateralPerByte, UINT256_BITS, 'collateralPerByte'),
      slots: checkedUint64(terms.slots, 'slots'),
      slotSize: checkedUint64(terms.slotSize, 'slotSize'),
      duration: checkedUint64(terms.duration, 'duration'),
      maxSlotLoss: checkedUint64(terms.maxSlotLoss, 'maxSlotLoss'),
    },
    content: { cid: checkedContentCid(cid), merkleRoot: checkedHex(merkleRoot, WORD_BYTES, 'merkleRoot') },
    expiry: checkedUint64(expiry, 'expiry'),
    nonce: checkedHex(nonce, WORD_BYTES, 'nonce'),
  }
}

/** A request id from outside, in its one spelling. @throws CodexError `request/not-hex`, `request/wrong-length` */
export function checkedRequestId(text: string): RequestId {
  return checkedHex(text, WORD_BYTES, 'request id') as RequestId
}

/** A slot id from outside, in its one spelling. @throws CodexError `request/not-hex`, `request/wrong-length` */
export function checkedSlotId(text: string): SlotId {
  return checkedHex(text, WORD_BYTES, 'slot id') as SlotId
}

/** @throws CodexError `request/not-a-uint`, `request/out-of-range` */
export function checkedUint64(value: Uint, what: string): bigint {
  return checkedUint(value, UINT64_BITS, what)
}

/** `0x` and lower-case digits. @throws CodexError `request/not-hex`, `request/wrong-length` */
function checkedHex(text: string, lengthBytes: number, what: string): `0x${string}` {
  const bytes = hexBytes(text, lengthBytes, what)
  if (bytes === lengthBytes) return `0x${text.slice(2).toLowerCase()}`
  throw new CodexError('request/wrong-length', `expected ${what} to be ${lengthBytes} bytes, found ${bytes}`, {
    detail: { what, expectedBytes: lengthBytes, foundBytes: bytes },
  })
}

function checkedUint(value: Uint, bits: number, what: string): bigint {
  if (typeof value !== 'bigint' && !Number.isSafeInteger(value))
    throw new CodexError(
      'request/not-a-uint',
      `expected ${what} to be a bigint or a safe whole number, found ${describeValue(value)}`,
      { detail: { what, found: describeValue(value) } },
    )
  const number = BigInt(value)
  if (number >= 0n && number >> BigInt(bits) === 0n) return number
  throw new CodexError(
    'request/out-of-range',
    `expected ${what} from 0 to 2^${bits} - 1, found ${describeValue(value)}`,
    {
      detail: { what, bits },
    },
  )
}

function checkedContentCid(cid: Uint8Array | string): Uint8Array {
  const length = isBytes(cid) ? cid.length : hexBytes(cid, MAX_CONTENT_CID_BYTES, 'content.cid')
  if (length > MAX_CONTENT_CID_BYTES)
    throw new CodexError(
      'request/wrong-length',
      `expected a content.cid of at most ${MAX_CONTENT_CID_BYTES} bytes, found ${length}`,
      {
        detail: { what: 'content.cid', limitBytes: MAX_CONTENT_CID_BYTES, foundBytes: length },
      },
    )
  return isBytes(cid) ? new Uint8Array(cid) : fromHex(cid)
}

/** How many bytes the digits of `text` stand for. Looks at the digits only when there are no more than `expectedBytes` want. */
function hexBytes(text: string, expectedBytes: number, what: string): number {
  const digits = typeof text === 'string' && text.startsWith('0x') ? text.length - 2 : -1
  const isHex = digits >= 0 && digits % 2 === 0 && (digits > 2 * expectedBytes || /^0x[0-9a-fA-F]*$/.test(text))
  if (isHex) return digits / 2
  throw new CodexError(
    'request/not-hex',
    `expected ${what} to be '0x' and an even number of hex digits, found ${describeValue(text)}`,
    {
      detail: { what },
    },
  )
}

function present<T>(value: T | null | undefined, what: string): T {
  if (typeof value === 'object' && value !== null) return value
  throw new CodexError('request/missing-field', `expected ${what} to be an object, found ${describeValue(value)}`, {
    detail: { what },
  })
}
