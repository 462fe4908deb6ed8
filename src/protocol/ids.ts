// Request ids and slot ids, as the marketplace contract computes them. The ABI encoding here is that of these two hashes alone.

import { keccak_256 } from '@noble/hashes/sha3.js'
import { concatBytes, fromHex, toHex } from '../lib/bytes.ts'
import type { RequestId, SlotId, StorageRequest, StorageRequestInput, Uint } from './request.ts'
import { checkedRequest, checkedRequestId, checkedUint64, WORD_BYTES } from './request.ts'

/** client, seven terms of the ask, offset of content, expiry, nonce. */
const REQUEST_HEAD_WORDS = 11
/** cid offset, merkle root: content's own head. */
const CONTENT_HEAD_WORDS = 2

/**
 * keccak256 of the ABI-encoded request (data reference §7.4).
 * @throws CodexError as {@link checkedRequest}
 */
export function requestId(request: StorageRequestInput): RequestId {
  return `0x${toHex(keccak_256(encodeRequest(checkedRequest(request))))}` as RequestId
}

/** Those asked for last are remembered, in two generations of so many: whoever sells asks for the same ones again and again. */
const REMEMBERED = 8192
let latest = new Map<string, SlotId>()
let earlier: ReadonlyMap<string, SlotId> = new Map()

/**
 * keccak256 of the ABI-encoded pair (request id, slot index).
 * @throws CodexError `request/not-hex`, `request/wrong-length`, `request/not-a-uint`, `request/out-of-range`
 */
export function slotId(requestId: string, slotIndex: Uint): SlotId {
  // Of anything else only the checks can say what is wrong with it.
  if (typeof requestId !== 'string' || (typeof slotIndex !== 'number' && typeof slotIndex !== 'bigint'))
    return slotIdOf(requestId, slotIndex)
  const key = `${slotIndex} ${requestId}`
  const known = latest.get(key)
  if (known !== undefined) return known
  const id = earlier.get(key) ?? slotIdOf(requestId, slotIndex)
  if (latest.size >= REMEMBERED) {
    earlier = latest
    latest = new Map()
  }
  latest.set(key, id)
  return id
}

function slotIdOf(requestId: string, slotIndex: Uint): SlotId {
  const id = fromHex(checkedRequestId(requestId))
  return `0x${toHex(keccak_256(concatBytes(id, word(checkedUint64(slotIndex, 'slotIndex')))))}` as SlotId
}

/** `abi.encode(request)`: one dynamic argument, so an offset word comes first. */
export function encodeRequest({ client, ask, content, expiry, nonce }: StorageRequest): Uint8Array {
  const paddingBytes = (WORD_BYTES - (content.cid.length % WORD_BYTES)) % WORD_BYTES
  return concatBytes(
    word(WORD_BYTES),
    word(BigInt(client)),
    word(ask.proofProbability),
    word(ask.pricePerBytePerSecond),
    word(ask.collateralPerByte),
    word(ask.slots),
    word(ask.slotSize),
    word(ask.duration),
    word(ask.maxSlotLoss),
    word(REQUEST_HEAD_WORDS * WORD_BYTES),
    word(expiry),
    fromHex(nonce),
    word(CONTENT_HEAD_WORDS * WORD_BYTES),
    fromHex(content.merkleRoot),
    word(content.cid.length),
    content.cid,
    new Uint8Array(paddingBytes),
  )
}

/** A 32-byte big-endian word of a number below 2^256. */
function word(value: Uint): Uint8Array {
  return fromHex(value.toString(16).padStart(2 * WORD_BYTES, '0'))
}
