// The sizes and terms of simulated requests: small, so that days pass in seconds, and varied, so that not everything fits.

import type { RandomSource } from '../../src/lib/random.ts'
import type { Bytes, Seconds } from '../../src/lib/units.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { makeCid } from '../../src/protocol/cid.ts'
import type { VerifiableManifest } from '../../src/protocol/manifest.ts'
import { CODEX_MANIFEST, CODEX_ROOT, SHA2_256 } from '../../src/protocol/multicodec.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { PurchaseTerms } from '../../src/purchasing/purchaseterms.ts'
import type { Delivery } from '../fakes/fakeslotwork.ts'

export const BLOCK_BYTES: Bytes = 256
export const MAX_SLOT_BYTES: Bytes = 8 * BLOCK_BYTES
/** Of what a request may last. */
export const MAX_DURATION: Seconds = 30_000

export function collateralPerByteOf(level: number): bigint {
  return BigInt(level) * 10n
}

const DELIVERIES: readonly Delivery[] = ['good', 'lies', 'stops at 99 %', 'never', 'trickles']
const DIGEST_BYTES = 32

/** Written into the name of the content, so that every host sees the same client. */
export function deliveryOf({ content }: StorageRequest): Delivery {
  return DELIVERIES[content.cid.at(-1) ?? 0] ?? 'good'
}

/** Few, so that slots share blocks. */
const CONTENTS = 12

export interface Wanted {
  readonly cid: Cid
  readonly manifest: VerifiableManifest
  readonly terms: PurchaseTerms
}

export function randomWish(random: RandomSource): Wanted {
  const some = (count: number) => Math.floor(random.fraction() * count)
  const delivery = random.fraction() < 0.75 ? 0 : 1 + some(DELIVERIES.length - 1)
  const [ecK, ecM, slotBlocks, content] = [1 + some(3), some(3), 2 ** some(4), some(CONTENTS)]
  const duration = 4000 + some(MAX_DURATION - 4000)
  const datasetSize = (ecK + ecM) * slotBlocks * BLOCK_BYTES
  const treeCid = makeCid(CODEX_ROOT, SHA2_256, new Uint8Array(DIGEST_BYTES).fill(content))
  return {
    cid: makeCid(CODEX_MANIFEST, SHA2_256, new Uint8Array(DIGEST_BYTES).fill(content).fill(delivery, -1)),
    manifest: {
      kind: 'verifiable',
      layout: 'current',
      treeCid,
      blockSize: BLOCK_BYTES,
      datasetSize,
      ecK,
      ecM,
      originalTreeCid: treeCid,
      originalDatasetSize: datasetSize,
      protectedStrategy: 'stepped',
      // Nobody reads more of it than the bytes of the digest.
      verifyRoot: treeCid,
      slotRoots: [],
      cellSize: BLOCK_BYTES,
      verifiableStrategy: 'linear',
    } as unknown as VerifiableManifest,
    terms: {
      proofProbability: BigInt(1 + some(4)),
      pricePerBytePerSecond: BigInt(1 + some(4)),
      collateralPerByte: collateralPerByteOf(1 + some(3)),
      duration,
      expiry: Math.min(duration - 1, 900 + some(2000)),
    },
  }
}
