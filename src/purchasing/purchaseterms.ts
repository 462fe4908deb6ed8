// What a client offers for storage, and the request made of it for a dataset whose slots are built. It sends nothing.

import { toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { RandomSource } from '../lib/random.ts'
import type { Seconds } from '../lib/units.ts'
import type { Address } from '../market/market.ts'
import type { MarketplaceTerms } from '../market/marketplaceterms.ts'
import type { Cid } from '../protocol/cid.ts'
import type { VerifiableManifest } from '../protocol/manifest.ts'
import { excessiveTerm, type RequestCosts } from '../protocol/requestcosts.ts'
import { WORD_BYTES } from '../protocol/request.ts'
import type { StorageRequest } from '../protocol/request.ts'
import { slotGeometry } from '../slots/slotgeometry.ts'

export interface PurchaseTerms {
  /** How long the data is to be kept once all slots are filled. */
  readonly duration: Seconds
  /** From the request on: by then all slots are filled, or it is cancelled and the money comes back. */
  readonly expiry: Seconds
  /** In token base units. */
  readonly pricePerBytePerSecond: bigint
  /** In token base units. */
  readonly collateralPerByte: bigint
  /** A proof is wanted in one of this many periods, on average. Default: {@link DEFAULT_PROOF_PROBABILITY} */
  readonly proofProbability?: bigint | undefined
  /** 32 bytes of 0x-hex; random by default. */
  readonly nonce?: string | undefined
}

export const DEFAULT_PROOF_PROBABILITY = 100n

/**
 * The terms as the contract would refuse them, said before anything is computed.
 * @throws CodexError `purchase/bad-terms`, its detail names the term
 */
export function checkTerms(terms: PurchaseTerms, limits: Pick<MarketplaceTerms, 'requestDurationLimit'>): void {
  const { duration, expiry, pricePerBytePerSecond, collateralPerByte, proofProbability } = terms
  if (!isSpan(duration) || duration > limits.requestDurationLimit)
    throw badTerms('duration', `1 to ${limits.requestDurationLimit} seconds`, duration)
  if (!isSpan(expiry) || expiry >= duration)
    throw badTerms('expiry', `1 second or more and less than the duration of ${duration} seconds`, expiry)
  if (pricePerBytePerSecond <= 0n) throw badTerms('pricePerBytePerSecond', 'more than 0', pricePerBytePerSecond)
  if (collateralPerByte <= 0n) throw badTerms('collateralPerByte', 'more than 0', collateralPerByte)
  if (proofProbability !== undefined && proofProbability <= 0n)
    throw badTerms('proofProbability', 'more than 0', proofProbability)
  // Of a dataset's size nothing is known yet.
  checkCosts(terms, { slots: 1, slotBytes: 1 })
}

/** @throws CodexError `purchase/bad-terms` for costs that no contract can count */
function checkCosts(terms: PurchaseTerms, size: Pick<RequestCosts, 'slots' | 'slotBytes'>): void {
  const excess = excessiveTerm({ ...terms, ...size })
  if (excess !== undefined) throw badTerms(excess.term, `at most ${excess.most} for this much`, terms[excess.term])
}

/** @param cid of `manifest` @throws CodexError as {@link checkTerms}, and as `slotGeometry` */
export function requestFor(
  { cid, manifest }: { readonly cid: Cid; readonly manifest: VerifiableManifest },
  terms: PurchaseTerms,
  { client, random }: { readonly client: Address; readonly random: RandomSource },
): StorageRequest {
  const { slotCount, slotBytes } = slotGeometry(manifest)
  checkCosts(terms, { slots: slotCount, slotBytes })
  return {
    client,
    ask: {
      proofProbability: terms.proofProbability ?? DEFAULT_PROOF_PROBABILITY,
      pricePerBytePerSecond: terms.pricePerBytePerSecond,
      collateralPerByte: terms.collateralPerByte,
      slots: BigInt(slotCount),
      slotSize: BigInt(slotBytes),
      duration: BigInt(terms.duration),
      maxSlotLoss: BigInt(manifest.ecM),
    },
    content: { cid: cid.bytes, merkleRoot: `0x${toHex(manifest.verifyRoot.digest)}` },
    expiry: BigInt(terms.expiry),
    nonce: isZero(terms.nonce) ? `0x${toHex(random.bytes(WORD_BYTES))}` : terms.nonce,
  }
}

/** What the whole request takes from its client, in token base units. */
export function totalPrice({ ask }: Pick<StorageRequest, 'ask'>): bigint {
  return ask.slots * ask.slotSize * ask.duration * ask.pricePerBytePerSecond
}

/** Of all zeros means none given: else the same request, asked for twice, would be one. */
function isZero(nonce: string | undefined): nonce is undefined {
  return nonce === undefined || /^0x0*$/.test(nonce)
}

function isSpan(seconds: Seconds): boolean {
  return Number.isSafeInteger(seconds) && seconds >= 1
}

function badTerms(term: keyof PurchaseTerms, expected: string, found: bigint | number): CodexError {
  return new CodexError('purchase/bad-terms', `${term}: expected ${expected}, found ${found}`, {
    detail: { term, found: String(found) },
  })
}
